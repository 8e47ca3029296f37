//! The report as one HTML page that needs nothing else.

use std::fmt::Write;

use super::parts::{Page, Part, Table};
use super::svg::{escape, inline};

const STYLE: &str = "body{font:15px/1.45 system-ui,sans-serif;max-width:62em;margin:2em auto;padding:0 1em;color:#111}\
h1{font-size:1.5em}h2{font-size:1.15em;margin-top:1.8em;border-bottom:1px solid #999}table{border-collapse:collapse}\
td,th{border:1px solid #bbb;padding:.2em .55em;text-align:left;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}\
figure{margin:0;display:inline-block;width:49%;min-width:20em}svg{width:100%}svg text{font:11px system-ui,sans-serif}\
svg .t{font-weight:600;font-size:12px}svg .m{text-anchor:middle}svg .e{text-anchor:end}\
img{max-width:100%;image-rendering:pixelated}.note{background:#fff3cd;border:1px solid #b58900;padding:.6em}\
.mark{position:fixed;top:40%;left:0;width:100%;text-align:center;font-size:4.5em;font-weight:700;color:#c00;opacity:.13;\
transform:rotate(-24deg);pointer-events:none}\
table{margin:.4em 0}th{background:#f3f3f3}.n{text-align:right}p{margin:.5em 0}\
@page{size:A4;margin:16mm 14mm}\
@media print{body{margin:0;padding:0;max-width:none;font-size:9.5pt}.small{font-size:8pt}h1{font-size:15pt}h2{font-size:11.5pt;break-after:avoid}h2+p{break-after:avoid}\
figure{width:49%;min-width:0}figure,tr,img,.note{break-inside:avoid}thead{display:table-header-group}*{print-color-adjust:exact;\
-webkit-print-color-adjust:exact}}";

/// The whole page.
pub(super) fn html(page: &Page<'_>) -> String {
    let title = escape(&page.title);
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title><style>{STYLE}</style>\
         </head><body>\n<h1>{title}</h1>\n"
    );
    if let Some(mark) = page.mark {
        let _ = writeln!(html, "<div class=\"mark\">{mark}</div>");
    }
    page.parts.iter().for_each(|p| part(&mut html, p));
    html + "</body></html>\n"
}

fn part(html: &mut String, part: &Part<'_>) {
    // Writing to a string cannot fail.
    let _ = match part {
        Part::Heading(text) => writeln!(html, "<h2>{}</h2>", escape(text)),
        Part::Paragraph(text) => writeln!(html, "<p>{}</p>", escape(text)),
        Part::Small(text) => writeln!(html, "<p class=\"small\">{}</p>", escape(text)),
        Part::Note(text) => writeln!(html, "<p class=\"note\">{}</p>", escape(text)),
        Part::List(points) => {
            let points: String = points.iter().map(|text| format!("<li>{}</li>\n", escape(text))).collect();
            writeln!(html, "<ul class=\"small\">\n{points}</ul>")
        }
        Part::Table(table) => writeln!(html, "{}", rows(table)),
        Part::Charts(charts) => {
            charts.iter().try_for_each(|chart| writeln!(html, "<figure>{}</figure>", inline(chart)))
        }
        Part::Legend(entries) => {
            let one = |(name, [r, g, b]): &(String, [u8; 3])| {
                format!("<span style=\"color:rgb({r},{g},{b})\">&#9632;</span> {}", escape(name))
            };
            writeln!(html, "<p>{}</p>", entries.iter().map(one).collect::<Vec<_>>().join(" &nbsp; "))
        }
        Part::Picture(png, shows) => {
            writeln!(html, "<img alt=\"{shows}\" src=\"data:image/png;base64,{}\">", base64(png))
        }
    };
}

fn rows(table: &Table) -> String {
    let class = |column| if table.numbers(column) { " class=\"n\"" } else { "" };
    let cell =
        |tag, (column, text): (usize, &String)| format!("<{tag}{}>{}</{tag}>", class(column), escape(text));
    let mut html = format!("<table{}>", if table.small { " class=\"small\"" } else { "" });
    if !table.named_rows() {
        let head: String = table.head.iter().enumerate().map(|c| cell("th", c)).collect();
        let _ = writeln!(html, "<thead><tr>{head}</tr></thead>");
    }
    for row in &table.rows {
        let tag = |column| if column == 0 && table.named_rows() { "th" } else { "td" };
        let cells: String = row.iter().enumerate().map(|c| cell(tag(c.0), c)).collect();
        let _ = writeln!(html, "<tr>{cells}</tr>");
    }
    html + "</table>"
}

/// Bytes as text (RFC 4648).
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for part in bytes.chunks(3) {
        let word = part.iter().chain(&[0; 2]).take(3).fold(0_usize, |w, b| (w << 8) | usize::from(*b));
        for i in 0..4 {
            let letter = LETTERS[word >> (18 - 6 * i) & 63];
            text.push(if i <= part.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_is_the_standards() {
        for (bytes, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}
