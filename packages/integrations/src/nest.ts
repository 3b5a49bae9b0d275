/** NestJS 12. */
import "reflect-metadata"
import type { Server } from "node:http"
import { deleteCustomer } from "@effect-flowwise/client"
import { NodeFlowwise } from "@effect-flowwise/node"
import {
  Controller,
  Delete,
  Inject,
  Injectable,
  Module,
  type OnApplicationShutdown,
  type OnModuleInit,
  Param,
  Res
} from "@nestjs/common"
import { NestFactory } from "@nestjs/core"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import type { Response } from "express"
import { httpAnswer } from "./httpStatus.js"

@Injectable()
class Flowwise implements OnModuleInit, OnApplicationShutdown {
  private readonly runtime = ManagedRuntime.make(NodeFlowwise.layerConfig)

  /** Fails now, not at the first request, where a setting is missing. */
  async onModuleInit() {
    await this.runtime.runtime()
  }

  deleteCustomer(customerId: string) {
    return this.runtime.runPromise(Effect.merge(deleteCustomer(customerId)))
  }

  /** Not `onModuleDestroy`, which runs while requests are in flight. */
  async onApplicationShutdown() {
    await this.runtime.dispose()
  }
}

@Controller("customers")
class CustomersController {
  // The token by name, so that compilers without `emitDecoratorMetadata`, such as esbuild, can do it.
  constructor(@Inject(Flowwise) private readonly flowwise: Flowwise) {}

  @Delete(":customerId")
  async delete(@Param("customerId") customerId: string, @Res() response: Response) {
    const { body, headers, status } = httpAnswer(await this.flowwise.deleteCustomer(customerId))
    response.status(status).set(headers).json(body)
  }
}

@Module({ controllers: [CustomersController], providers: [Flowwise] })
class AppModule {}

export const serve = async (port: number, host: string) => {
  const app = await NestFactory.create(AppModule, { logger: ["error", "warn"], abortOnError: false })
  app.enableShutdownHooks() // closes the app on SIGTERM
  await app.listen(port, host)
  return { server: app.getHttpServer() as Server, close: () => app.close() }
}
