/// The report's style sheet.
enum ReportStyle {
  static let sheet = colors + page + figures + charts + items + run + media

  private static let colors = """
    :root{--ground:#f6f7f9;--panel:#fff;--ink:#16202c;--soft:#55606e;--line:#dfe4ea;--accent:#3457d5;--accent-soft:#dbe3fb;\
    --warm:#c2571a;--warm-soft:#fbe6d8;--good:#177245;--bad:#b3261e;--bad-soft:#fbe2e0;--track:#e9edf2;--tile-l:88%;--tile-s:42%;\
    --tile-ink:26%}
    @media (prefers-color-scheme:dark){:root{--ground:#10151c;--panel:#18202a;--ink:#e8edf3;--soft:#9aa7b6;--line:#2a3543;\
    --accent:#8ea6ff;--accent-soft:#26335c;--warm:#f0985f;--warm-soft:#46291a;--good:#62c995;--bad:#ff8f87;--bad-soft:#4a2220;\
    --track:#242e3a;--tile-l:27%;--tile-s:30%;--tile-ink:82%}}

    """

  private static let page = """
    *{box-sizing:border-box}
    html{-webkit-text-size-adjust:100%;scroll-behavior:smooth}
    body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,\
    "Noto Sans",sans-serif;overflow-wrap:anywhere}
    header,main,footer{max-width:1120px;margin:0 auto;padding:0 24px}
    header{padding-top:40px}
    h1{font-size:34px;line-height:1.15;letter-spacing:-.02em;margin:0 0 8px}
    h2{font-size:21px;letter-spacing:-.01em;margin:0 0 4px}
    h3{font-size:15px;margin:0 0 10px;display:flex;justify-content:space-between;gap:12px;align-items:baseline}
    p{margin:0}
    section{padding:28px 0 12px}
    .eyebrow{font-size:12px;font-weight:600;letter-spacing:.09em;text-transform:uppercase;color:var(--accent)}
    .facts{display:flex;flex-wrap:wrap;gap:2px 18px;color:var(--soft)}
    .facts b{color:var(--ink);font-variant-numeric:tabular-nums}
    nav{display:flex;flex-wrap:wrap;gap:6px;margin-top:18px}
    nav a{font-size:13px;color:var(--ink);text-decoration:none;border:1px solid var(--line);background:var(--panel);\
    border-radius:999px;padding:3px 12px}
    nav a:hover{border-color:var(--accent);color:var(--accent)}
    a:focus-visible,summary:focus-visible,pre:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
    .lead{color:var(--soft);margin-bottom:14px;max-width:72ch}
    .lead .num{color:var(--ink);font-weight:600}
    h2+div,h2+dl{margin-top:14px}
    .num{font-variant-numeric:tabular-nums;white-space:nowrap}
    code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Noto Sans Mono",monospace;font-size:.9em}
    .small,small{font-size:13px;color:var(--soft)}
    .panel{background:var(--panel);border:1px solid var(--line);border-radius:12px;padding:16px;min-width:0}
    .aside{font-weight:400;font-size:13px;color:var(--soft);white-space:nowrap}
    .badge{display:inline-block;font-size:12px;font-weight:600;line-height:1.4;border-radius:6px;padding:1px 7px;\
    background:var(--accent-soft);color:var(--accent)}
    .badge.bad{background:var(--bad-soft);color:var(--bad)}
    .hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
    footer{padding-top:20px;padding-bottom:48px;font-size:13px;color:var(--soft)}

    """

  private static let figures = """
    .cards{display:grid;grid-template-columns:repeat(4,1fr);gap:12px}
    .card{background:var(--panel);border:1px solid var(--line);border-radius:12px;padding:14px 16px;min-width:0}
    .label{font-size:13px;font-weight:600;color:var(--soft)}
    .value{font-size:28px;font-weight:650;letter-spacing:-.02em;line-height:1.3}
    .change{font-size:13px;font-variant-numeric:tabular-nums}
    .explanation{font-size:12px;line-height:1.4;color:var(--soft);margin-top:6px}
    .good{color:var(--good);font-weight:600}
    .change .bad,dd .bad{color:var(--bad);font-weight:600}
    .neutral,.since{color:var(--soft)}
    .rows{display:grid;grid-template-columns:repeat(2,1fr);gap:0 40px;margin:16px 0 0}
    .rows>div{display:flex;justify-content:space-between;gap:16px;padding:8px 0;border-bottom:1px solid var(--line)}
    .rows dt small,.rows dd small{display:block}
    .rows dd{margin:0;text-align:right;font-weight:600;white-space:nowrap}
    .rows dd small{font-weight:400}

    """

  private static let charts = """
    .levels{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,252px),1fr));gap:12px}
    .chart{display:block;width:100%;height:84px;border-bottom:1px solid var(--soft)}
    .area{fill:var(--accent);opacity:.85}
    .dead{fill:var(--bad);opacity:.18}
    .mean{stroke:var(--ink);stroke-width:1;stroke-dasharray:4 3;vector-effect:non-scaling-stroke;opacity:.6}
    .curve{fill:none;stroke:var(--accent);stroke-width:2;vector-effect:non-scaling-stroke}
    .curve.dashed{stroke:var(--soft);stroke-width:1.5;stroke-dasharray:5 3}
    .dot{stroke:var(--accent);stroke-width:7;stroke-linecap:round;vector-effect:non-scaling-stroke}
    .axis{display:flex;justify-content:space-between;font-size:12px;color:var(--soft);margin:4px 0 10px}
    .pairs{display:grid;grid-template-columns:1fr 1fr;gap:6px 16px;margin:0 0 12px}
    .pairs dt{font-size:12px;color:var(--soft)}
    .pairs dd{margin:0;font-weight:600}
    .inline{list-style:none;margin:2px 0 0;padding:0;display:flex;flex-wrap:wrap;gap:2px 12px;font-size:13px;\
    font-variant-numeric:tabular-nums}
    .inline code{color:var(--accent);font-weight:600}
    .bar{display:block;height:10px;border-radius:5px;background:var(--track);overflow:hidden;min-width:0}
    .bar i{display:block;height:100%;border-radius:5px;background:var(--accent);min-width:2px}
    .bar.warm i{background:var(--warm)}
    .bar i[style="width:0%"]{display:none}
    table{border-collapse:collapse;width:100%;background:var(--panel);border:1px solid var(--line);border-radius:12px;\
    border-spacing:0;overflow:hidden;font-variant-numeric:tabular-nums;font-size:15px}
    .levels+table{margin-top:12px}
    th,td{padding:7px 14px;text-align:right;border-top:1px solid var(--line);font-weight:400}
    thead th{font-size:12px;color:var(--soft);border-top:0;font-weight:600}
    th:first-child{text-align:left;white-space:nowrap}
    tbody th{font-weight:600}
    .wide{width:45%}

    """

  private static let items = """
    .buckets{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,340px),1fr));gap:12px}
    .bucket h3 code{font-size:15px}
    .bucket .small{margin-top:6px}
    .bucket .items{grid-template-columns:repeat(auto-fill,minmax(88px,1fr))}
    .bucket .item{flex-direction:column;gap:6px}
    .bucket .item-text{width:100%}
    .bucket .pic{width:100%;height:auto;aspect-ratio:1;max-width:112px}
    .items{list-style:none;margin:12px 0 0;padding:0;display:grid;\
    grid-template-columns:repeat(auto-fill,minmax(min(100%,150px),1fr));gap:10px 12px}
    .item{display:flex;gap:10px;align-items:flex-start;min-width:0}
    .item-text{min-width:0;line-height:1.3}
    .item-title{display:-webkit-box;-webkit-line-clamp:3;-webkit-box-orient:vertical;overflow:hidden;font-size:13px;\
    unicode-bidi:plaintext}
    .item-id{display:block;font-size:11px;color:var(--soft);margin-top:2px}
    .untitled{color:var(--soft);font-style:italic}
    .pic{display:block;width:60px;height:60px;border-radius:8px;flex:none;background:var(--track) center/cover no-repeat}
    .tile{display:inline-flex;align-items:center;justify-content:center;font-weight:650;font-size:18px;letter-spacing:.02em;\
    background:hsl(var(--h) var(--tile-s) var(--tile-l));color:hsl(var(--h) 45% var(--tile-ink))}
    .more{align-self:center;font-size:13px;color:var(--soft)}
    .tree details{border:1px solid var(--line);border-radius:10px;background:var(--panel);margin:0 0 8px;padding:0 14px}
    .tree .tree{margin:12px 0 6px}
    .tree details[open]{padding-bottom:12px}
    .tree summary{display:grid;grid-template-columns:14px 92px 1fr 76px 236px;gap:14px;align-items:center;padding:8px 0;\
    cursor:pointer;list-style:none}
    .tree .tree summary{grid-template-columns:14px 92px 1fr 76px 236px}
    summary::-webkit-details-marker{display:none}
    .tree summary::before,.plain summary::before{content:"";width:7px;height:7px;border:solid var(--soft);\
    border-width:0 2px 2px 0;transform:rotate(-45deg);display:inline-block;margin-left:2px}
    .tree details[open]>summary::before,.plain[open]>summary::before{transform:rotate(45deg)}
    .tree summary code{font-weight:600;font-size:14px}
    .count{text-align:right}
    .strip{display:flex;gap:6px;overflow:hidden;height:42px}
    .strip .pic{width:42px;height:42px;border-radius:6px;font-size:13px}

    """

  private static let run = """
    .lines{background:var(--panel);border:1px solid var(--line);border-radius:12px;padding:4px 16px}
    .line{display:grid;grid-template-columns:minmax(0,2fr) 3fr 92px;gap:16px;align-items:center;padding:9px 0}
    .line+.line{border-top:1px solid var(--line)}
    .line .name{font-weight:600}
    .line small{display:block;font-weight:400}
    .plain{margin-top:14px}
    .plain summary{cursor:pointer;list-style:none;font-weight:600;font-size:14px;display:flex;gap:10px;align-items:center}
    .examples{list-style:none;margin:10px 0 0;padding:0;font-size:14px}
    .examples li{padding:9px 0;border-top:1px solid var(--line)}
    .facts-list{margin:0;font-size:14px}
    .facts-list div{display:flex;justify-content:space-between;gap:16px;padding:5px 0;border-top:1px solid var(--line)}
    .facts-list div:first-child{border-top:0}
    .facts-list dt{color:var(--soft);flex:none;max-width:50%}
    .facts-list dd{margin:0;text-align:end;font-variant-numeric:tabular-nums}
    pre{background:var(--panel);border:1px solid var(--line);border-radius:12px;padding:14px 16px;overflow-x:auto;\
    overflow-wrap:normal;font-size:13px;line-height:1.55;margin:12px 0 0}

    """

  private static let media = """
    @media (max-width:900px){.cards{grid-template-columns:repeat(2,1fr)}.rows{grid-template-columns:1fr}}
    @media (max-width:640px){header,main,footer{padding-left:16px;padding-right:16px}header{padding-top:24px}h1{font-size:27px}\
    .value{font-size:22px}.card{padding:12px}.cards{gap:8px}.wide{display:none}th,td{padding:7px 10px}\
    .tree summary,.tree .tree summary{grid-template-columns:14px 1fr auto;gap:6px 10px}.tree summary .bar{display:none}\
    .tree summary .strip{grid-column:2/4}.tree .tree details,.tree details{padding-left:10px;padding-right:10px}\
    .line{grid-template-columns:1fr auto;gap:4px 12px}.line .bar{grid-column:1/3;grid-row:2}.explanation{display:none}}
    @media print{:root{--ground:#fff;--panel:#fff}body{font-size:11pt}nav{display:none}.panel,.card,table,.line,details\
    {break-inside:avoid}.bar,.bar i,.area,.dead,.tile,.pic,.badge{-webkit-print-color-adjust:exact;print-color-adjust:exact}}

    """
}
