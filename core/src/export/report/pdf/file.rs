//! Pages, fonts and pictures as one file.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref, TextStr};
use sha2::{Digest, Sha256};

use super::block::{Block, Fonts};
use super::draw::{self, FAINT, FONTS, picture_name};
use super::flow::{PAPER, Placed, SIDE};
use super::picture::Picture;
use crate::error::Result;

/// How much of a watermark is seen.
const FAINTNESS: f32 = 0.13;

/// Numbers of the objects that others name.
struct Known {
    catalog: Ref,
    tree: Ref,
    outline: Ref,
    faint: Ref,
    fonts: [Ref; 2],
    pictures: Vec<Ref>,
    pages: Vec<Ref>,
}

/// The file: `pages` with `over` laid over each.
pub(super) fn write(
    fonts: &mut Fonts,
    pictures: &[Picture],
    title: &str,
    pages: &[Vec<Placed>],
    over: Option<&Block>,
) -> Result<Vec<u8>> {
    let mut next = Ref::new(1);
    let known = Known {
        catalog: next.bump(),
        tree: next.bump(),
        outline: next.bump(),
        faint: next.bump(),
        fonts: [next.bump(), next.bump()],
        pictures: pictures.iter().map(|_| next.bump()).collect(),
        pages: pages.iter().map(|_| next.bump()).collect(),
    };
    let mut pdf = Pdf::new();
    let mut digest = Sha256::new();
    for (blocks, id) in pages.iter().zip(&known.pages) {
        let drawn = drawn(fonts, blocks, over);
        digest.update(&drawn);
        let contents = next.bump();
        packed(&mut pdf, contents, &drawn);
        page(&mut pdf, &known, *id, contents);
    }
    pdf.ext_graphics(known.faint).non_stroking_alpha(FAINTNESS);
    for (picture, id) in pictures.iter().zip(&known.pictures) {
        picture.embed(&mut pdf, *id);
    }
    for (font, id) in fonts.0.iter().zip(known.fonts) {
        font.embed(&mut pdf, id, &mut next)?;
    }
    outline(&mut pdf, &known, pages, &mut next);
    catalog(&mut pdf, &known, title, &mut next);
    let id = digest.finalize()[..16].to_vec();
    pdf.set_file_id((id.clone(), id));
    Ok(pdf.finish())
}

fn drawn(fonts: &mut Fonts, blocks: &[Placed], over: Option<&Block>) -> Vec<u8> {
    let mut content = Content::new();
    for (top, block) in blocks {
        draw::block(&mut content, fonts, block, *top);
    }
    if let Some(over) = over {
        content.save_state().set_parameters(FAINT);
        draw::block(&mut content, fonts, over, 0.0);
        content.restore_state();
    }
    content.finish().to_vec()
}

fn page(pdf: &mut Pdf, known: &Known, id: Ref, contents: Ref) {
    let mut page = pdf.page(id);
    page.parent(known.tree).media_box(Rect::new(0.0, 0.0, PAPER.0, PAPER.1)).contents(contents);
    let mut resources = page.resources();
    resources.fonts().pairs(FONTS.into_iter().zip(known.fonts));
    resources.ext_g_states().pair(FAINT, known.faint);
    let mut pictures = resources.x_objects();
    for (of, id) in known.pictures.iter().enumerate() {
        pictures.pair(Name(picture_name(of).as_bytes()), *id);
    }
}

/// The headings, as readers list them beside the pages.
fn outline(pdf: &mut Pdf, known: &Known, pages: &[Vec<Placed>], next: &mut Ref) {
    let on = |(blocks, page): (&'_ Vec<Placed>, &Ref)| -> Vec<(String, Ref, f32)> {
        blocks.iter().filter_map(|(top, b)| Some((b.mark.clone()?, *page, PAPER.1 - top + 6.0))).collect()
    };
    let marks: Vec<(String, Ref, f32)> = pages.iter().zip(&known.pages).flat_map(on).collect();
    let ids: Vec<Ref> = marks.iter().map(|_| next.bump()).collect();
    let mut all = pdf.outline(known.outline);
    if let (Some(first), Some(last)) = (ids.first(), ids.last()) {
        all.first(*first).last(*last).count(ids.len() as i32);
    }
    all.finish();
    for (i, (words, page, y)) in marks.iter().enumerate() {
        let mut item = pdf.outline_item(ids[i]);
        item.title(TextStr(words)).parent(known.outline);
        if let Some(before) = i.checked_sub(1) {
            item.prev(ids[before]);
        }
        if let Some(after) = ids.get(i + 1) {
            item.next(*after);
        }
        item.dest().page(*page).xyz(SIDE, *y, None);
    }
}

fn catalog(pdf: &mut Pdf, known: &Known, title: &str, next: &mut Ref) {
    let mut tree = pdf.pages(known.tree);
    tree.kids(known.pages.iter().copied()).count(known.pages.len() as i32);
    tree.finish();
    let program = concat!("PaSeR Studio ", env!("CARGO_PKG_VERSION"));
    pdf.document_info(next.bump()).title(TextStr(title)).creator(TextStr(program)).producer(TextStr(program));
    let mut catalog = pdf.catalog(known.catalog);
    catalog.pages(known.tree).outlines(known.outline).lang(TextStr("en"));
    catalog.viewer_preferences().display_doc_title(true);
}

/// Bytes, packed.
pub(super) fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    // Writing to memory cannot fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

/// Writes packed bytes as stream `id`.
pub(super) fn packed(pdf: &mut Pdf, id: Ref, bytes: &[u8]) {
    pdf.stream(id, &deflated(bytes)).filter(Filter::FlateDecode);
}
