/* See html_page.h. */
#include "report/html_page.h"

#include "report/pen.h"

#include <string.h>

static const char page_start[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n"
    "<head>\n"
    "<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline';"
    " base-uri 'none'; form-action 'none'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<meta name=\"referrer\" content=\"no-referrer\">\n";

static const char style_sheet[] =
    "<style>\n"
    ":root{--ink:#1b1f24;--page:#fff;--dim:#57606a;--line:#d0d7de;--head:#f3f5f7;--bad:#b3261e;--warn:#8a4b00;"
    "--info:#0b5cad;--good:#1a6b34}\n"
    "@media (prefers-color-scheme:dark){:root{--ink:#e6e9ed;--page:#14181d;--dim:#a3adb8;--line:#39424d;--head:#1e242b;"
    "--bad:#ff8a80;--warn:#ffb866;--info:#7ab8ff;--good:#7fd49a}}\n"
    "body{margin:0 auto;max-width:80rem;padding:1rem;font:15px/1.45 system-ui,sans-serif;color:var(--ink);"
    "background:var(--page)}\n"
    "h1{font-size:1.6rem;margin:.2rem 0}h2{font-size:1.2rem;margin:1.8rem 0 .4rem}p{margin:.3rem 0}\n"
    "table{border-collapse:collapse;width:100%;margin:.3rem 0 1rem}caption{text-align:left;color:var(--dim);"
    "padding:.2rem 0}\n"
    "th,td{text-align:left;vertical-align:top;padding:.3rem .5rem;border-bottom:1px solid var(--line);"
    "overflow-wrap:break-word;max-width:26rem;unicode-bidi:isolate}\n"
    "thead th{background:var(--head)}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}\n"
    ".dim{color:var(--dim)}.state{white-space:nowrap;font-weight:600}.why{min-width:16rem}.few{width:auto}\n"
    ".incompatible{color:var(--bad)}.behind-protocol,.unknown{color:var(--warn)}"
    ".behind,.inbox-behind-peers,.newer-than-host{color:var(--info)}.current{color:var(--good)}"
    ".not-applicable{color:var(--dim)}\n"
    "a{color:var(--info)}.high{color:var(--bad)}.medium{color:var(--warn)}.low{color:var(--dim)}\n"
    ".incident{border-top:2px solid var(--line);margin-top:1.5rem;padding-top:.4rem}.incident h2{margin:.2rem 0}\n"
    ".facts{display:grid;grid-template-columns:minmax(9rem,max-content) 1fr;gap:.15rem 1rem;margin:.5rem 0}\n"
    ".facts dt{color:var(--dim)}.facts dd{margin:0;overflow-wrap:anywhere;unicode-bidi:isolate}\n"
    "h3{font-size:1.05rem;margin:1rem 0 .2rem}ul{margin:.2rem 0;padding-left:1.2rem}li{overflow-wrap:anywhere}\n"
    ".sign td{font-weight:600}.do{border-left:3px solid var(--info);padding-left:.6rem}\n"
    ".timeline{display:block;width:100%;max-width:60rem;height:auto}.timeline text{fill:var(--dim);font-size:12px}\n"
    ".timeline .axis{stroke:var(--line)}.timeline .now{stroke:var(--bad);stroke-width:2}\n"
    ".timeline .mark{fill:var(--info)}.timeline .sign{fill:var(--bad)}\n"
    ".timeline .gap{fill:none;stroke:var(--warn);stroke-width:1.5;stroke-dasharray:3 3}\n"
    ".pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(22rem,1fr));gap:0 2rem}\n"
    "@page{size:landscape;margin:12mm}@media "
    "print{:root{--ink:#000;--page:#fff;--dim:#333;--line:#888;--head:#eee;--bad:#000;--warn:#000;--info:#000;"
    "--good:#000}body{max-width:none;padding:0;font-size:9pt}thead{display:table-header-group}"
    "tr,.timeline,.facts{break-inside:avoid}"
    "h2,h3{break-after:avoid}}\n"
    "</style>\n";

void html_open_page(struct buf *out, const char *title, const char *subtitle)
{
    buf_str(out, page_start);
    buf_str(out, "<title>");
    html_escaped(out, title);
    buf_str(out, ", ");
    html_escaped(out, subtitle);
    buf_str(out, "</title>\n");
    buf_str(out, style_sheet);
    buf_str(out, "</head>\n<body>\n<header>\n<h1>");
    html_escaped(out, title);
    buf_str(out, "</h1>\n");
}

void html_close_page(struct buf *out)
{
    buf_str(out, "</main>\n</body>\n</html>\n");
}

void html_escaped(struct buf *out, const char *text)
{
    size_t len = strlen(text);

    if (pen_is_plain(text, len, pen_special_html)) {
        buf_add(out, text, len);
        return;
    }
    for (;;) {
        len = strcspn(text, "&<>\"'");
        buf_add(out, text, len);
        if (text[len] == '\0')
            return;
        buf_printf(out, "&#%d;", text[len]);
        text += len + 1;
    }
}

void html_cell(struct buf *out, const char *text)
{
    buf_str(out, "<td>");
    html_escaped(out, text);
    buf_str(out, "</td>");
}

void html_number(struct buf *out, size_t n)
{
    buf_printf(out, "<td class=\"n\">%zu</td>", n);
}

void html_open_table(struct buf *out, const char *caption, const char *heads)
{
    buf_str(out, strchr(heads, '|') == strrchr(heads, '|') ? "<table class=\"few\">\n<caption>" : "<table>\n<caption>");
    html_escaped(out, caption);
    buf_str(out, "</caption>\n<thead><tr>");
    while (*heads != '\0') {
        bool number = *heads == '#';
        size_t len;

        heads += number;
        len = strcspn(heads, "|");
        buf_str(out, number ? "<th scope=\"col\" class=\"n\">" : "<th scope=\"col\">");
        buf_add(out, heads, len);
        buf_str(out, "</th>");
        heads += len + (heads[len] == '|');
    }
    buf_str(out, "</tr></thead>\n<tbody>\n");
}

void html_close_table(struct buf *out)
{
    buf_str(out, "</tbody>\n</table>\n");
}
