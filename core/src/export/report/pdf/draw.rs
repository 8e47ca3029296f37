//! Blocks as the commands of a page.

use pdf_writer::{Content, Name, Str};

use super::block::{Block, Colour, Fonts, Item, Look};
use super::flow::{PAPER, SIDE};
use super::font::Run;

/// Part of a circle's radius by which four curves make it round.
const ROUND: f32 = 0.552_285;
/// Names of the fonts in a page, as `Weight` counts them.
pub(super) const FONTS: [Name<'static>; 2] = [Name(b"F0"), Name(b"F1")];
/// Name of the state in which a watermark is drawn.
pub(super) const FAINT: Name<'static> = Name(b"Faint");

/// Name of a picture in a page.
pub(super) fn picture_name(of: usize) -> String {
    format!("P{of}")
}

/// Draws a block whose top is at `top` on the paper.
pub(super) fn block(content: &mut Content, fonts: &mut Fonts, block: &Block, top: f32) {
    let place = |(x, y): (f32, f32)| (SIDE + x, PAPER.1 - top - y);
    for item in &block.items {
        match item {
            Item::Text { at, run, look, angle } => text(content, fonts, run, *look, (place(*at), *angle)),
            Item::Fill { rect: [x, y, w, h], colour } => {
                let (left, bottom) = place((*x, y + h));
                fill(content, *colour);
                content.rect(left, bottom, *w, *h).fill_nonzero();
            }
            Item::Line { points, colour, width, dash } => {
                let points: Vec<(f32, f32)> = points.iter().copied().map(place).collect();
                line(content, &points, *colour, (*width, dash));
            }
            Item::Dot { at, radius, colour } => {
                fill(content, *colour);
                circle(content, place(*at), *radius);
            }
            Item::Picture { of, rect: [x, y, w, h] } => {
                let (left, bottom) = place((*x, y + h));
                content.save_state().transform([*w, 0.0, 0.0, *h, left, bottom]);
                content.x_object(Name(picture_name(*of).as_bytes())).restore_state();
            }
        }
    }
}

fn fill(content: &mut Content, colour: Colour) {
    let [r, g, b] = colour.map(|c| f32::from(c) / 255.0);
    content.set_fill_rgb(r, g, b);
}

fn line(content: &mut Content, points: &[(f32, f32)], colour: Colour, (width, dash): (f32, &[f32])) {
    let Some(((x, y), rest)) = points.split_first() else { return };
    let [r, g, b] = colour.map(|c| f32::from(c) / 255.0);
    content.set_stroke_rgb(r, g, b).set_line_width(width).set_dash_pattern(dash.iter().copied(), 0.0);
    content.move_to(*x, *y);
    rest.iter().for_each(|(x, y)| {
        content.line_to(*x, *y);
    });
    content.stroke();
}

fn circle(content: &mut Content, (x, y): (f32, f32), r: f32) {
    let c = r * ROUND;
    content.move_to(x + r, y);
    content.cubic_to(x + r, y + c, x + c, y + r, x, y + r);
    content.cubic_to(x - c, y + r, x - r, y + c, x - r, y);
    content.cubic_to(x - r, y - c, x - c, y - r, x, y - r);
    content.cubic_to(x + c, y - r, x + r, y - c, x + r, y);
    content.fill_nonzero();
}

/// One line of text from a place on, at an angle.
fn text(content: &mut Content, fonts: &mut Fonts, run: &Run, look: Look, ((x, y), angle): ((f32, f32), f32)) {
    let (sin, cos) = angle.sin_cos();
    fill(content, look.colour);
    content.begin_text().set_font(FONTS[look.weight as usize], look.size);
    content.set_text_matrix([cos, sin, -sin, cos, x, y]);
    let font = &mut fonts.0[look.weight as usize];
    let mut shown = content.show_positioned();
    let mut items = shown.items();
    let mut codes = Vec::new();
    for glyph in run {
        let (code, more) = font.draw(glyph);
        codes.extend(code.to_be_bytes());
        if more.abs() > 0.5 {
            items.show(Str(&codes)).adjust(-more);
            codes.clear();
        }
    }
    if !codes.is_empty() {
        items.show(Str(&codes));
    }
    drop(items);
    drop(shown);
    content.end_text();
}
