//! The report as a PDF file: A4, text that can be searched and copied, fonts and pictures inside. The same report gives the
//! same bytes: nothing in the file comes from a clock.

mod block;
mod chart;
mod draw;
mod file;
mod flow;
mod font;
mod lines;
mod picture;
mod table;

use block::{Block, Colour, Fonts, Item, Look, Weight};
use flow::{Flow, PAPER, SIDE, WIDTH};
use font::{Run, width};
use lines::lines;
use picture::Picture;

use super::parts::{Page, Part};
use crate::error::Result;

const TITLE: Look = Look::new(Weight::Strong, 16.0);
const HEADING: Look = Look::new(Weight::Strong, 11.5);
const BODY: Look = Look::new(Weight::Regular, 9.0);
const SMALL: Look = Look::new(Weight::Regular, 7.6);
const FOOT: Look = Look { weight: Weight::Regular, size: 7.4, colour: [0x66; 3] };
/// What is laid over the pages; drawn nearly transparent.
const MARK: Look = Look { weight: Weight::Strong, size: 74.0, colour: [0xcc, 0, 0] };
const MARK_ANGLE: f32 = 0.42;
const RULE: Colour = [0x99; 3];
const NOTE: [Colour; 2] = [[0xff, 0xf3, 0xcd], [0xb5, 0x89, 0x00]];
/// Highest picture.
const PICTURE: f32 = 460.0;
/// Points a pixel of a picture at most.
const PIXEL: f32 = 1.5;

/// The whole file.
///
/// # Errors
/// Where a picture cannot be read or a font cannot be used.
pub(super) fn pdf(page: &Page<'_>) -> Result<Vec<u8>> {
    let mut fonts = Fonts::new()?;
    let mut pictures = Vec::new();
    let mut flow = Flow::new();
    let title = text(&fonts, &page.title, TITLE, 0.0);
    title.into_iter().for_each(|block| flow.add(block));
    for part in &page.parts {
        place(&mut flow, &fonts, &mut pictures, part)?;
    }
    let mut pages = flow.finish();
    let count = pages.len();
    for (i, blocks) in pages.iter_mut().enumerate() {
        blocks.push((PAPER.1 - 36.0, foot(&fonts, &page.title, i + 1, count)));
    }
    let over = page.mark.map(|mark| laid_over(&fonts, mark));
    file::write(&mut fonts, &pictures, &page.title, &pages, over.as_ref())
}

fn place(flow: &mut Flow, fonts: &Fonts, pictures: &mut Vec<Picture>, part: &Part<'_>) -> Result<()> {
    match part {
        Part::Heading(words) => flow.keep(heading(fonts, words)),
        Part::Paragraph(words) => paragraph(flow, fonts, words, BODY),
        Part::Small(words) => paragraph(flow, fonts, words, SMALL),
        Part::Note(words) => flow.add(note(fonts, words)),
        Part::List(points) => points.iter().for_each(|words| flow.add(point(fonts, words))),
        Part::Table(all) => table::table(flow, fonts, all),
        Part::Charts(charts) => charts.chunks(2).for_each(|pair| flow.add(chart::row(fonts, pair))),
        Part::Legend(entries) => flow.keep(legend(fonts, entries)),
        Part::Picture(png, _) => {
            let picture = Picture::read(png)?;
            flow.add(shown(&picture, pictures.len()));
            pictures.push(picture);
        }
    }
    Ok(())
}

/// Lines of text, each a block; the first with `before` above it.
fn text(fonts: &Fonts, words: &str, look: Look, before: f32) -> Vec<Block> {
    let lines = lines(&fonts.set(words, look.weight), WIDTH / look.size);
    let block = |(i, line): (usize, Run)| {
        let before = if i == 0 { before } else { 0.0 };
        let mut block = Block { before, height: look.line(), ..Block::default() };
        block.lines(&[line], (0.0, 0.0), look);
        block
    };
    lines.into_iter().enumerate().map(block).collect()
}

/// A paragraph of which no line stands alone on a page. One that ends in a colon stays with what follows.
fn paragraph(flow: &mut Flow, fonts: &Fonts, words: &str, look: Look) {
    let lines = text(fonts, words, look, 5.0);
    let last = lines.len() - 1;
    for (i, line) in lines.into_iter().enumerate() {
        let alone = i == 0 && last > 0 || i + 1 == last && last > 1 || words.ends_with(':');
        if alone { flow.keep(line) } else { flow.add(line) }
    }
}

fn heading(fonts: &Fonts, words: &str) -> Block {
    let mut block = Block { before: 16.0, height: HEADING.line() + 5.0, ..Block::default() };
    block.lines(&[fonts.set(words, HEADING.weight)], (0.0, 0.0), HEADING);
    block.rule(HEADING.line() + 1.5, 0.0, WIDTH, RULE);
    block.mark = Some(words.to_owned());
    block
}

fn note(fonts: &Fonts, words: &str) -> Block {
    const PAD: f32 = 7.0;
    let lines = lines(&fonts.set(words, BODY.weight), (WIDTH - 2.0 * PAD) / BODY.size);
    let height = lines.len() as f32 * BODY.line() + 2.0 * PAD - 3.0;
    let [ground, edge] = NOTE;
    let corners = vec![(0.0, 0.0), (WIDTH, 0.0), (WIDTH, height), (0.0, height), (0.0, 0.0)];
    let items = vec![
        Item::Fill { rect: [0.0, 0.0, WIDTH, height], colour: ground },
        Item::Line { points: corners, colour: edge, width: 0.6, dash: Vec::new() },
    ];
    let mut block = Block { before: 7.0, height, items, mark: None };
    block.lines(&lines, (PAD, PAD - 1.5), BODY);
    block
}

fn point(fonts: &Fonts, words: &str) -> Block {
    const INDENT: f32 = 11.0;
    let lines = lines(&fonts.set(words, SMALL.weight), (WIDTH - INDENT) / SMALL.size);
    let mut block = Block { before: 2.0, height: lines.len() as f32 * SMALL.line(), ..Block::default() };
    block.lines(&[fonts.set("•", SMALL.weight)], (3.0, 0.0), SMALL);
    block.lines(&lines, (INDENT, 0.0), SMALL);
    block
}

fn legend(fonts: &Fonts, entries: &[(String, Colour)]) -> Block {
    const SQUARE: f32 = 7.0;
    let mut block = Block { before: 6.0, height: BODY.line(), ..Block::default() };
    let mut x = 0.0;
    for (name, colour) in entries {
        let run = fonts.set(name, BODY.weight);
        let end = x + SQUARE + 4.0 + BODY.size * width(&run);
        if end > WIDTH && x > 0.0 {
            x = 0.0;
            block.height += BODY.line();
        }
        let y = block.height - BODY.line();
        block.items.push(Item::Fill {
            rect: [x, y + (BODY.line() - SQUARE) / 2.0, SQUARE, SQUARE],
            colour: *colour,
        });
        x += SQUARE + 4.0;
        block.lines(std::slice::from_ref(&run), (x, y), BODY);
        x += BODY.size * width(&run) + 14.0;
    }
    block
}

fn shown(picture: &Picture, of: usize) -> Block {
    let (w, h) = (picture.width as f32, picture.height as f32);
    let scale = (WIDTH / w).min(PICTURE / h).min(PIXEL);
    let rect = [0.0, 0.0, w * scale, h * scale];
    Block { before: 4.0, height: h * scale, items: vec![Item::Picture { of, rect }], mark: None }
}

fn foot(fonts: &Fonts, title: &str, page: usize, count: usize) -> Block {
    let mut block = Block { height: FOOT.line(), ..Block::default() };
    let number = fonts.set(&format!("Page {page} of {count}"), FOOT.weight);
    let room = WIDTH / FOOT.size - width(&number) - 2.0;
    let mut name = lines(&fonts.set(title, FOOT.weight), room);
    name.truncate(1);
    block.rule(-4.0, 0.0, WIDTH, [0xd8; 3]);
    block.lines(&name, (0.0, 0.0), FOOT);
    block.lines_to(&[number], (WIDTH, 0.0), FOOT);
    block
}

/// A word across a page, its middle at the middle of the paper.
fn laid_over(fonts: &Fonts, mark: &str) -> Block {
    let run = fonts.set(mark, MARK.weight);
    let half = MARK.size * width(&run) / 2.0;
    let (sin, cos) = MARK_ANGLE.sin_cos();
    let middle = (PAPER.0 / 2.0 - SIDE, PAPER.1 / 2.0);
    let at = (middle.0 - half * cos + MARK.size * 0.36 * sin, middle.1 + half * sin + MARK.size * 0.36 * cos);
    Block { items: vec![Item::Text { at, run, look: MARK, angle: MARK_ANGLE }], ..Block::default() }
}
