/** Style sheet: light or dark as in the reader's system, always light in print. */
export const style = `
:root { color-scheme: light dark; --paper: #fff; --card: #f5f6f8; --ink: #16191d; --soft: #59616b; --line: #d9dde2; --right: #2367a8; --wrong: #a84a10; }
@media screen and (prefers-color-scheme: dark) { :root { --paper: #14171a; --card: #1d2125; --ink: #e8eaed; --soft: #9aa3ad; --line: #343a41; --right: #6cabe6; --wrong: #ec8f54; } }
@media print { :root { color-scheme: light; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 74rem; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 1rem; }
h2 { font-size: 1.3rem; margin: 3rem 0 .75rem; padding-top: 1rem; border-top: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 2.2rem 0 .6rem; }
p { max-width: 46rem; }
dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.2rem; margin: 0; }
dl.facts dt { color: var(--soft); }
dl.facts dd { margin: 0; overflow-wrap: anywhere; }
code { font: .92em ui-monospace, "Cascadia Mono", Menlo, Consolas, monospace; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: .75rem; margin: 1.25rem 0; padding: 0; list-style: none; }
.tiles li { background: var(--card); border-radius: .5rem; padding: .75rem .9rem; break-inside: avoid; }
.tiles b { display: block; font-size: 1.7rem; font-weight: 600; line-height: 1.2; font-variant-numeric: tabular-nums; }
.tiles small { display: block; color: var(--soft); line-height: 1.35; }
.warnings { background: color-mix(in srgb, var(--wrong) 9%, var(--paper)); border-left: 4px solid var(--wrong); border-radius: .25rem; margin: 1.25rem 0; padding: .7rem 1rem .7rem 2rem; }
.warnings li { max-width: 54rem; margin: .2rem 0; }
.scroll { overflow-x: auto; }
.scroll:focus-visible { outline: 2px solid var(--right); outline-offset: 2px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); padding-bottom: .5rem; max-width: 54rem; }
th { font-weight: 500; text-align: left; }
table.figures { font-size: .9rem; }
table.figures thead th { color: var(--soft); border-bottom: 1px solid var(--ink); vertical-align: bottom; padding-left: .9rem; }
table.figures thead th:first-child { padding-left: 0; }
table.figures tbody tr { border-bottom: 1px solid var(--line); break-inside: avoid; }
table.figures td, table.figures tbody th { padding: .16rem .2rem; white-space: nowrap; }
table.figures tbody th { padding-right: 1rem; }
table.figures td.n { text-align: right; padding-left: .9rem; }
table.figures th.n { text-align: right; }
table.figures td.ci { color: var(--soft); }
table.confusion { font-size: .72rem; line-height: 1.2; }
table.confusion thead th { vertical-align: bottom; padding: 0 0 .3rem; }
table.confusion thead span { writing-mode: vertical-rl; transform: rotate(180deg); white-space: nowrap; }
table.confusion tbody th { text-align: right; padding-right: .5rem; white-space: nowrap; }
table.confusion td { min-width: 1.6rem; height: 1.4rem; text-align: center; border: 1px solid var(--line); }
table.confusion thead td { border: 0; }
table.confusion td.right { background: color-mix(in srgb, var(--right) var(--shade), var(--paper)); }
table.confusion td.wrong { background: color-mix(in srgb, var(--wrong) var(--shade), var(--paper)); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(21rem, 1fr)); gap: 1.5rem; }
figure { margin: 0; break-inside: avoid; }
figcaption { color: var(--soft); font-size: .9rem; }
svg.chart { width: 100%; height: auto; max-width: 36rem; display: block; }
svg.mark { display: block; }
svg text { fill: var(--ink); font: 12px system-ui, sans-serif; }
svg .tick { fill: var(--soft); }
svg .grid { stroke: var(--line); }
svg .axis { stroke: var(--soft); }
svg .line { fill: none; stroke: var(--right); stroke-width: 2; stroke-linejoin: round; }
svg .second { stroke-dasharray: 5 4; stroke-width: 1.5; }
svg .ideal { stroke: var(--soft); stroke-dasharray: 3 4; }
svg .whisker { stroke: var(--right); stroke-width: 1.5; }
svg .dot { fill: var(--right); fill-opacity: .85; }
svg .here { fill: var(--wrong); stroke: var(--paper); stroke-width: 2; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: 1rem; margin: 0; padding: 0; list-style: none; }
.gallery li { background: var(--card); border-radius: .5rem; padding: .6rem; font-size: .82rem; line-height: 1.35; overflow-wrap: anywhere; break-inside: avoid; }
.gallery .picture { display: flex; align-items: center; justify-content: center; height: 160px; margin-bottom: .4rem; background: #000; border-radius: .25rem; }
.gallery img { max-width: 100%; max-height: 160px; }
.gallery .id { color: var(--soft); }
.gallery dl { margin: .2rem 0 0; } .gallery dl div { display: flex; justify-content: space-between; gap: .4rem; } .gallery dd { margin: 0; white-space: nowrap; font-variant-numeric: tabular-nums; }
.gallery .given { color: var(--wrong); font-weight: 600; }
footer { margin-top: 3rem; border-top: 1px solid var(--line); color: var(--soft); font-size: .85rem; }
@media print { html { font-size: 12px; } body { font-size: 12px; max-width: none; padding: 0; } h2 { break-after: avoid; } h3 { break-after: avoid; } .scroll { overflow: visible; } table.confusion { font-size: 8px; } table.confusion td { min-width: 0; height: auto; padding: 1px 2px; } }
@page { margin: 14mm; }
`;
