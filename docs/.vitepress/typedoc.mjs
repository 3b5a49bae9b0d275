// What the reference leaves out: all that a schema class inherits is Effect's own, and the same for each of ours.
import { Converter, ReflectionKind } from "typedoc"

const { Class, Constructor, Module } = ReflectionKind

export const load = ({ converter }) => {
  converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const entry of project.getReflectionsByKind(Module))
      entry.name = `@effect-flowwise/${entry.name.replaceAll(/packages\/|\/src/g, "")}`
    for (const type of project.getReflectionsByKind(Class))
      for (const member of [...(type.children ?? [])]) {
        delete member.inheritedFrom
        if (member.kind === Constructor || member.name.startsWith("[")) project.removeReflection(member)
      }
  })
  // TypeDoc makes it at the end.
  converter.on(
    Converter.EVENT_RESOLVE_END,
    ({ project }) => {
      for (const type of project.getReflectionsByKind(Class)) delete type.typeHierarchy
    },
    -1000
  )
}
