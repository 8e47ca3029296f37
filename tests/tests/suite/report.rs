//! The report's two files: the PDF, read by another program's reader, says what the HTML and the evidence say.

use crate::fixture::{Kind, bundle, json, paser, stack};
use hayro_syntax::Pdf;
use hayro_syntax::content::ops::TypedInstruction;
use hayro_syntax::object::{Dict, Object, Stream};
use hayro_syntax::page::Page;
use std::collections::HashMap;
use std::path::Path;
use tempfile::{TempDir, tempdir};

fn place() -> TempDir {
    let place = tempdir().unwrap();
    bundle(&place.path().join("bundle"), &Kind::small());
    stack(&place.path().join("s.tif"), [6, 40, 48], 1);
    place
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// What the glyphs of a font stand for, by their codes.
fn letters(font: &Dict<'_>) -> HashMap<u16, String> {
    let map =
        font.get::<Stream<'_>>("ToUnicode").expect("a font whose text can be copied").decoded().unwrap();
    let map = String::from_utf8_lossy(&map).into_owned();
    let hex = |text: &str| u16::from_str_radix(text, 16);
    let line = |line: &str| {
        let (code, units) = line.strip_prefix('<')?.strip_suffix('>')?.split_once("> <")?;
        let units: Vec<u16> =
            (0..units.len() / 4).filter_map(|i| hex(&units[4 * i..4 * i + 4]).ok()).collect();
        Some((hex(code).ok()?, String::from_utf16(&units).ok()?))
    };
    map.lines().filter_map(line).collect()
}

/// The text of a page in the order in which it is drawn, without spaces.
fn said(page: &Page<'_>) -> String {
    let (mut all, mut font) = (String::new(), HashMap::new());
    let mut operations = page.typed_operations();
    while let Some(operation) = operations.next() {
        match operation {
            TypedInstruction::TextFont(named) => {
                font = letters(&page.resources().fonts.get::<Dict<'_>>(named.0.as_str()).expect("a font"));
            }
            TypedInstruction::ShowTexts(shown) => {
                let strings = shown.0.iter::<Object<'_>>().filter_map(Object::into_string);
                let codes: Vec<u8> = strings.flat_map(|s| s.as_bytes().to_vec()).collect();
                all.extend(codes.chunks(2).map(|c| font[&u16::from_be_bytes([c[0], c[1]])].as_str()));
            }
            _ => {}
        }
    }
    dense(&all)
}

fn dense(text: &str) -> String {
    text.split_whitespace().collect()
}

/// Everything that a page of HTML shows as text.
fn shown(html: &str) -> Vec<String> {
    let body = html.split_once("<body>").expect("a body").1;
    let plain = |text: &str| {
        let text =
            text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&nbsp;", " ");
        dense(&text.replace("&#9632;", "").replace("&amp;", "&"))
    };
    body.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| plain(text)).collect()
}

#[test]
fn the_pdf_says_what_the_page_and_the_evidence_say() {
    let place = place();
    let at = |name: &str| place.path().join(name);
    let name = |name: &str| at(name).display().to_string();
    json(place.path(), &["segment", &name("s.tif"), "--bundle", &name("bundle"), "--out", &name("out")]);
    let file = std::fs::read(at("out/s_report.pdf")).unwrap();
    let pdf = Pdf::new(file).expect("a file that another reader opens");
    let pages: Vec<String> = pdf.pages().iter().map(said).collect();
    let count = pages.len();
    assert!(count > 2, "{count} pages");
    let mut all = String::new();
    for (i, page) in pages.iter().enumerate() {
        let end = format!("s:segmentationreportPage{}of{count}UNCALIBRATED", i + 1);
        all +=
            page.strip_suffix(&end).unwrap_or_else(|| panic!("page {i} does not end with \"{end}\": {page}"));
    }
    for part in shown(&text(&at("out/s_report.html"))).iter().filter(|part| *part != "UNCALIBRATED") {
        assert!(all.contains(part), "\"{part}\" is missing: {all}");
    }
    let run: serde_json::Value = serde_json::from_str(&text(&at("out/run.json"))).unwrap();
    for figure in [
        &run["run"]["input_sha256"],
        &run["run"]["bundle"]["sha256"],
        &run["run"]["normalisation"]["method"]["method"],
    ] {
        assert!(all.contains(figure.as_str().unwrap()), "{figure}");
    }
    for part in run["fractions"].as_array().unwrap().iter().chain(run["shares"].as_array().unwrap()) {
        let part = format!("{:.2}%", 100.0 * part.as_f64().unwrap());
        assert!(all.contains(&part), "{part}");
    }
    let preview =
        |page: &Page<'_>| Some(page.resources().x_objects.get::<Stream<'_>>("P0")?.decoded().ok()?.len());
    assert_eq!(pdf.pages().iter().find_map(preview), Some(40 * 48 * 3), "the preview's pixels");
}

#[test]
fn a_damaged_calibration_costs_the_error_bars_and_nothing_else() {
    let place = place();
    let name = |name: &str| place.path().join(name).display().to_string();
    std::fs::write(place.path().join("bundle/uncertainty.json"), "{\"format\": 1, ").unwrap();
    let output =
        paser(place.path(), &["segment", &name("s.tif"), "--bundle", &name("bundle"), "--out", &name("out")]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let warnings: Vec<&str> = errors.lines().filter(|l| l.contains("without error bars")).collect();
    assert!(warnings.len() == 1 && warnings[0].contains("uncertainty.json"), "{errors}");
    let page = text(&place.path().join("out/s_report.html"));
    assert!(page.contains("The figures have no error bars") && page.contains("uncertainty.json"), "{page}");
    assert!(place.path().join("out/s_measures.json").exists());
}
