/**
 * How a report looks: by day, by night, and on paper.
 *
 * @since 0.1.0
 */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1b2026; --quiet: #59636e; --line: #d9dee3; --wash: #f4f6f8;
  --deleted: #1f7a68; --absent: #3d8fbd; --kept: #b83227; --unknown: #d29a1c; --unknown-line: #7a5600; --unasked: #a7b0b9;
  --bar: #5a7590;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #14181c; --ink: #e8ebee; --quiet: #9fa9b3; --line: #343c44; --wash: #1d2329;
    --deleted: #3fb59b; --absent: #62b3dd; --kept: #ef7466; --unknown: #e0b04a; --unknown-line: #6b4d00; --unasked: #6b7681;
    --bar: #8aa8c6;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 14px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main, footer { max-width: 860px; margin: 0 auto; padding: 0 24px; }
header { padding-top: 40px; }
h1 { margin: 0; font-size: 28px; line-height: 1.2; }
h2 { margin: 40px 0 12px; font-size: 18px; }
p { margin: 8px 0; }
.verdict { margin: 10px 0 24px; padding-left: 12px; border-left: 4px solid var(--unknown); font-size: 18px; }
.verdict.gone { border-color: var(--deleted); }
.note, footer { color: var(--quiet); font-size: 13px; }
footer { margin-top: 32px; padding-bottom: 40px; }
dl { display: grid; grid-template-columns: minmax(120px, max-content) 1fr; gap: 4px 24px; margin: 0; }
dt { color: var(--quiet); }
dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
.hash, code { font: 13px/1.6 ui-monospace, "SF Mono", Consolas, "DejaVu Sans Mono", monospace; }
.hash { align-self: center; }
table { width: 100%; margin-top: 16px; border-collapse: collapse; }
th, td { padding: 7px 12px 7px 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th:last-child, td:last-child { padding-right: 0; }
thead th { color: var(--quiet); font-size: 13px; font-weight: 500; }
tbody th { font-weight: 500; }
.explained tbody th { min-width: 150px; }
.kind, .time { white-space: nowrap; }
.explained .number + td:not(:last-child) { white-space: nowrap; }
.number { text-align: right; white-space: nowrap; }
.number, .time { font-variant-numeric: tabular-nums; }
svg { display: block; width: 100%; height: auto; }
svg.key { display: inline-block; width: 12px; height: 12px; margin-right: 8px; }
.wide { overflow-x: auto; }
.wide > * { min-width: 640px; }
.deleted { fill: var(--deleted); } .absent { fill: var(--absent); } .kept { fill: var(--kept); } .unasked { fill: var(--unasked); }
.unknown { fill: url(#unknown); }
#unknown rect { fill: var(--unknown); } #unknown path { stroke: var(--unknown-line); stroke-width: 1.5; }
.asked { fill: var(--bar); }
.grid, .axis { stroke: var(--line); }
.hatch { stroke: var(--line); stroke-width: 2; }
.tick, .pause { fill: var(--quiet); font-size: 11px; font-variant-numeric: tabular-nums; }
.kill path { fill: none; stroke: var(--ink); stroke-width: 1.5; }
@media screen and (max-width: 560px) {
  main, footer { padding: 0 16px; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: 8px; }
  .explained thead { display: none; }
  .explained tr { display: grid; grid-template-columns: 1fr auto auto; padding: 8px 0; border-bottom: 1px solid var(--line); }
  .explained th, .explained td { border: 0; padding: 0 0 0 12px; }
  .explained th { min-width: 0; padding-left: 0; }
  .explained td:last-child { grid-column: 1 / -1; padding: 4px 0 0; color: var(--quiet); }
}
@media print {
  :root { color-scheme: light; }
  body { font-size: 10pt; }
  .hash, code { font-size: 8pt; }
  main, footer { max-width: none; padding: 0; }
  header { padding-top: 0; }
  h2 { margin-top: 24px; break-after: avoid; }
  tr, svg, dl, .verdict { break-inside: avoid; }
  thead { display: table-header-group; }
  .wide { overflow: visible; }
  .wide > * { min-width: 0; }
}
@page { margin: 16mm; }
`
