// What the reference leaves out: all that a schema class inherits is Effect's own, and the same for each of ours.
import { Converter, ReflectionKind } from "typedoc"

export const load = ({ converter }) => {
  const tidy = ({ project }) => {
    for (const entry of project.getReflectionsByKind(ReflectionKind.Module))
      entry.name = `@effect-flowwise/${entry.name.replaceAll(/packages\/|\/src/g, "")}`
    for (const type of project.getReflectionsByKind(ReflectionKind.Class)) {
      delete type.typeHierarchy
      for (const member of [...(type.children ?? [])]) {
        delete member.inheritedFrom
        if (member.kind === ReflectionKind.Constructor || member.name.startsWith("[")) project.removeReflection(member)
      }
    }
  }
  converter.on(Converter.EVENT_RESOLVE_END, tidy, -1000) // after TypeDoc's own
}
