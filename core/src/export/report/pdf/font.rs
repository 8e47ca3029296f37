//! Text set in an OpenType font, and the part of the font that a file needs.

use std::collections::BTreeMap;

use harfrust::{Feature, FontRef, ShapeOptions, ShaperData, Tag, UnicodeBuffer};
use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Filter, Finish, Name, Pdf, Rect, Ref, Str};
use sha2::{Digest, Sha256};
use subsetter::{GlyphRemapper, subset};

use super::file::{deflated, packed};
use crate::error::{Error, Result};

const IDENTITY: SystemInfo<'static> =
    SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };
/// Digits of one width; no ligature or contextual form, so that every glyph is the character that it stands for.
const FEATURES: [(&[u8; 4], u32); 3] = [(b"tnum", 1), (b"calt", 0), (b"liga", 0)];

/// One glyph; lengths in ems.
#[derive(Clone, Debug)]
pub(super) struct Glyph {
    id: u16,
    /// What it moves the next glyph by, kerning included.
    pub(super) advance: f32,
    /// What it stands for.
    pub(super) text: String,
}

/// Glyphs in a row.
pub(super) type Run = Vec<Glyph>;

/// Width of glyphs in ems.
pub(super) fn width(run: &[Glyph]) -> f32 {
    run.iter().map(|glyph| glyph.advance).sum()
}

/// A font that text is set in.
pub(super) struct Font {
    name: &'static str,
    data: &'static [u8],
    font: FontRef<'static>,
    shaping: ShaperData,
    features: Vec<Feature>,
    em: f32,
    /// Glyphs that were drawn: their numbers in the file, and what each stands for.
    used: GlyphRemapper,
    texts: BTreeMap<u16, (u16, String)>,
}

impl Font {
    /// # Errors
    /// Where `data` is no font.
    pub(super) fn new(name: &'static str, data: &'static [u8]) -> Result<Self> {
        let font = FontRef::new(data).map_err(|e| unusable(name, &e))?;
        let shaping = ShaperData::new(&font);
        let em = shaping.shaper(&font).build().units_per_em() as f32;
        let features = FEATURES.map(|(tag, on)| Feature::new(Tag::new(tag), on, ..)).to_vec();
        Ok(Self {
            name,
            data,
            font,
            shaping,
            features,
            em,
            used: GlyphRemapper::new(),
            texts: BTreeMap::new(),
        })
    }

    /// `text` in one line.
    pub(super) fn set(&self, text: &str) -> Run {
        let text = text.replace(|c: char| c.is_control(), " ");
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(&text);
        buffer.guess_segment_properties();
        buffer.set_direction(harfrust::Direction::LeftToRight);
        let shaper = self.shaping.shaper(&self.font).build();
        let set = shaper.shape(buffer, ShapeOptions::new().features(&self.features));
        let starts: Vec<usize> = set.glyph_infos().iter().map(|info| info.cluster as usize).collect();
        let end = |i: usize| starts[i..].iter().copied().find(|s| *s > starts[i]).unwrap_or(text.len());
        let first = |i: usize| i == 0 || starts[i - 1] != starts[i];
        let glyph = |(i, (info, place)): (usize, (&harfrust::GlyphInfo, &harfrust::GlyphPosition))| Glyph {
            id: info.glyph_id as u16,
            advance: place.x_advance as f32 / self.em,
            text: if first(i) {
                text.get(starts[i]..end(i)).unwrap_or_default().to_owned()
            } else {
                String::new()
            },
        };
        set.glyph_infos().iter().zip(set.glyph_positions()).enumerate().map(glyph).collect()
    }

    /// A glyph's code in the file, and how much farther than its own width it moves the next one, in thousandths of an
    /// em. It is embedded from now on.
    pub(super) fn draw(&mut self, glyph: &Glyph) -> (u16, f32) {
        let code = self.used.remap(glyph.id);
        self.texts.entry(code).or_insert_with(|| (glyph.id, glyph.text.clone()));
        (code, 1000.0 * glyph.advance - self.own_width(glyph.id))
    }

    /// Width of a glyph alone, in thousandths of an em, as the tables hhea and hmtx state it.
    fn own_width(&self, id: u16) -> f32 {
        let number = |tag: &[u8; 4], at: usize| {
            let table = self.font.table_data(Tag::new(tag))?;
            let bytes = table.as_bytes().get(at..at + 2)?;
            Some(u16::from_be_bytes([bytes[0], bytes[1]]))
        };
        let last = number(b"hhea", 34).unwrap_or(1).saturating_sub(1);
        f32::from(number(b"hmtx", 4 * usize::from(id.min(last))).unwrap_or(0)) * 1000.0 / self.em
    }

    /// Writes what was drawn of it as font `id`.
    pub(super) fn embed(&self, pdf: &mut Pdf, id: Ref, next: &mut Ref) -> Result<()> {
        let all = subset(self.data, 0, &self.used).map_err(|e| unusable(self.name, &e))?;
        let part = FontRef::new(&all).map_err(|e| unusable(self.name, &e))?;
        let outlines =
            part.table_data(Tag::new(b"CFF ")).ok_or_else(|| unusable(self.name, &"no outlines"))?;
        let name = format!("{}+{}", letters(&all), self.name);
        let [descendant, descriptor, map, file] = [(); 4].map(|()| next.bump());
        pdf.type0_font(id)
            .base_font(Name(format!("{name}-Identity-H").as_bytes()))
            .encoding_predefined(Name(b"Identity-H"))
            .descendant_font(descendant)
            .to_unicode(map);
        let mut cid = pdf.cid_font(descendant);
        cid.subtype(CidFontType::Type0).base_font(Name(name.as_bytes())).system_info(IDENTITY);
        cid.font_descriptor(descriptor).default_width(0.0);
        let widths = self.used.remapped_gids().map(|glyph| self.own_width(glyph));
        cid.widths().consecutive(0, widths);
        cid.finish();
        // Box, ascent, descent and height of capitals in thousandths of an em; viewers use them for selecting text.
        pdf.font_descriptor(descriptor)
            .name(Name(name.as_bytes()))
            .flags(FontFlags::SYMBOLIC)
            .bbox(Rect::new(-300.0, -300.0, 1300.0, 1000.0))
            .italic_angle(0.0)
            .ascent(969.0)
            .descent(-242.0)
            .cap_height(727.0)
            .stem_v(90.0)
            .font_file3(file);
        let mut unicode = UnicodeCmap::new(Name(b"Custom"), IDENTITY);
        for (code, (_, text)) in self.texts.iter().filter(|(_, (_, text))| !text.is_empty()) {
            unicode.pair_with_multiple(*code, text.chars());
        }
        packed(pdf, map, &unicode.finish());
        let outlines = deflated(outlines.as_bytes());
        pdf.stream(file, &outlines)
            .filter(Filter::FlateDecode)
            .pair(Name(b"Subtype"), Name(b"CIDFontType0C"));
        Ok(())
    }
}

fn unusable(name: &str, why: &dyn std::fmt::Display) -> Error {
    Error::invalid(format!("the report cannot be set in {name}, which this program brings ({why})"))
}

/// Six capitals that tell parts of a font apart.
fn letters(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(6).map(|b| char::from(b'A' + b % 26)).collect()
}
