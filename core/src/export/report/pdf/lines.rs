//! Text in lines of a given width.

use super::font::{Glyph, Run, width};

/// `run` in lines of at most `most` ems. Lines end at spaces, within a word only where it is wider than a line; a
/// number keeps its per cent sign.
pub(super) fn lines(run: &[Glyph], most: f32) -> Vec<Run> {
    let mut lines = Vec::new();
    let mut rest = run;
    while !rest.is_empty() {
        let end = end_of_line(rest, most);
        lines.push(trimmed(&rest[..end]).to_vec());
        rest = &rest[end..];
        let spaces = rest.iter().take_while(|g| g.text == " ").count();
        rest = &rest[spaces..];
    }
    if lines.is_empty() { vec![Run::new()] } else { lines }
}

/// Glyphs of the first line, with the space that ends it.
fn end_of_line(run: &[Glyph], most: f32) -> usize {
    let (mut at, mut last) = (0.0, None);
    for (i, glyph) in run.iter().enumerate() {
        if at + glyph.advance > most + 1e-3 && glyph.text != " " {
            return last.unwrap_or(i.max(1));
        }
        at += glyph.advance;
        if breaks_after(run, i) {
            last = Some(i + 1);
        }
    }
    run.len()
}

fn breaks_after(run: &[Glyph], i: usize) -> bool {
    run[i].text == " " && run.get(i + 1).is_some_and(|next| !["%", "×", " "].contains(&&*next.text))
}

fn trimmed(run: &[Glyph]) -> &[Glyph] {
    let spaces = run.iter().rev().take_while(|g| g.text == " ").count();
    &run[..run.len() - spaces]
}

/// Width in ems of the widest part that no line end divides.
pub(super) fn widest_word(run: &[Glyph]) -> f32 {
    let (mut widest, mut at) = (0.0_f32, 0);
    for i in 0..run.len() {
        if breaks_after(run, i) || i + 1 == run.len() {
            widest = widest.max(width(trimmed(&run[at..=i])));
            at = i + 1;
        }
    }
    widest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::fonts::REGULAR;
    use crate::export::report::pdf::font::Font;

    fn broken(text: &str, most: f32) -> Vec<String> {
        let font = Font::new("Inter-Regular", REGULAR).unwrap();
        let words = |line: Run| line.iter().map(|g| g.text.as_str()).collect::<String>();
        lines(&font.set(text), most).into_iter().map(words).collect()
    }

    #[test]
    fn no_letter_is_lost_and_no_line_is_too_wide() {
        let font = Font::new("Inter-Regular", REGULAR).unwrap();
        let text = "pore 24.34 % of 8 × 9 voxels, SHA-256 86b3239d5ec3ede1926ea9405d096355268032 λ µm⁻¹ \u{65e5}\u{672c}";
        for most in [0.5, 3.0, 7.0, 100.0] {
            let lines = lines(&font.set(text), most);
            assert!(lines.iter().all(|line| line.len() == 1 || width(line) <= most + 1e-3), "{most}");
            let all: String = lines.iter().flatten().map(|g| g.text.as_str()).collect();
            assert_eq!(all.replace(' ', ""), text.replace(' ', ""), "{most}");
        }
    }

    #[test]
    fn lines_end_between_words() {
        assert_eq!(broken("one two three", 5.0), ["one two", "three"]);
        assert_eq!(broken("about 12 %", 3.9), ["about", "12 %"]);
        assert_eq!(broken("", 3.9), [""]);
    }
}
