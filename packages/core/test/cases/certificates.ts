import tls from "node:tls"
import { generate } from "selfsigned"

const name = [{ name: "commonName", value: "localhost" }]
const ec = { keyType: "ec", algorithm: "sha256" } as const
const yesterday = new Date(Date.now() - 24 * 3600 * 1000)

const forHost = (...altNames: Array<{ type: 2; value: string } | { type: 7; ip: string }>) => [
  { name: "basicConstraints" as const, cA: false },
  { name: "subjectAltName" as const, altNames }
]
const loopback = forHost({ type: 7, ip: "127.0.0.1" }, { type: 2, value: "localhost" })

export type Certificate = "good" | "self-signed" | "wrong host" | "expired" | "for clients it knows" | "old TLS"

/**
 * What a TLS server on loopback may show. All of Node's TLS trusts the authority behind the good ones, as it does one from
 * `NODE_EXTRA_CA_CERTS`, until `restore`.
 */
export const makeCertificates = async () => {
  const sign = (options: Parameters<typeof generate>[1]) => generate(name, { ...ec, ...options })
  const authority = await generate([{ name: "commonName", value: "Fault suite" }], {
    ...ec,
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, critical: true }
    ]
  })
  const ca = { key: authority.private, cert: authority.cert }
  const [good, selfSigned, wrongHost, expired] = await Promise.all([
    sign({ ca, extensions: loopback }),
    sign({ extensions: loopback }),
    sign({ ca, extensions: forHost({ type: 2, value: "flowwise.example.com" }) }),
    sign({ ca, extensions: loopback, notBeforeDate: new Date(0), notAfterDate: yesterday })
  ])

  const { createSecureContext } = tls
  Object.assign(tls, {
    createSecureContext: (options?: tls.SecureContextOptions) =>
      createSecureContext({ ca: [...tls.rootCertificates, authority.cert], ...options })
  })

  const pair = ({ private: key, cert }: typeof good) => ({ key, cert })
  const options: Record<Certificate, tls.TlsOptions> = {
    good: pair(good),
    "self-signed": pair(selfSigned),
    "wrong host": pair(wrongHost),
    expired: pair(expired),
    "for clients it knows": { ...pair(good), requestCert: true, rejectUnauthorized: true },
    "old TLS": { ...pair(good), minVersion: "TLSv1", maxVersion: "TLSv1.1" }
  }
  return { options, restore: () => void Object.assign(tls, { createSecureContext }) }
}
