//! Figures of a study as pixels: PNG is decoded, SVG drawn with the window's fonts.

use image::RgbaImage;
use paser_core::export::fonts::{REGULAR, STRONG};
use paser_core::study::Figure;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb::Database};
use std::sync::Arc;

/// Widest picture that is kept; the window draws it smaller.
const WIDE: u32 = 3200;
/// Pixels for a unit of an SVG.
const FINE: f32 = 2.0;

/// Every figure; none where its file is damaged or of another kind.
pub fn draw(figures: &[Figure]) -> Vec<Option<RgbaImage>> {
    let options = options();
    figures.iter().map(|figure| picture(figure, &options).map(narrowed)).collect()
}

fn picture(figure: &Figure, options: &Options<'_>) -> Option<RgbaImage> {
    if figure.file.ends_with(".svg") {
        return drawn(&figure.bytes, options);
    }
    image::load_from_memory(&figure.bytes).ok().map(image::DynamicImage::into_rgba8)
}

fn drawn(svg: &[u8], options: &Options<'_>) -> Option<RgbaImage> {
    let tree = Tree::from_data(svg, options).ok()?;
    let size = tree.size().to_int_size().scale_by(FINE)?;
    let mut pixels = Pixmap::new(size.width(), size.height())?;
    resvg::render(&tree, Transform::from_scale(FINE, FINE), &mut pixels.as_mut());
    RgbaImage::from_raw(size.width(), size.height(), pixels.take_demultiplied())
}

fn narrowed(picture: RgbaImage) -> RgbaImage {
    let (width, height) = picture.dimensions();
    if width <= WIDE { picture } else { resized(&picture, [WIDE, (height * WIDE / width).max(1)]) }
}

/// `picture` with another width and height, smoothly.
pub fn resized(picture: &RgbaImage, [width, height]: [u32; 2]) -> RgbaImage {
    image::imageops::resize(picture, width, height, image::imageops::FilterType::Triangle)
}

/// No font of the system is read: figures look the same everywhere.
fn options() -> Options<'static> {
    let mut fonts = Database::new();
    fonts.load_font_data(REGULAR.to_vec());
    fonts.load_font_data(STRONG.to_vec());
    fonts.set_sans_serif_family("Inter");
    Options { font_family: "Inter".to_owned(), fontdb: Arc::new(fonts), ..Options::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(file: &str, bytes: &[u8]) -> Figure {
        Figure { file: file.to_owned(), caption: String::new(), bytes: bytes.to_vec() }
    }

    #[test]
    fn charts_are_drawn_with_their_text_and_damaged_files_are_none() {
        let chart = |word: &str| {
            let svg = format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 60 20\" width=\"60\"><style>text{{font:11px system-ui,sans-serif}}</style>\
                 <rect width=\"60\" height=\"20\" fill=\"#fff\"/><text x=\"4\" y=\"14\">{word}</text></svg>"
            );
            figure("a.svg", svg.as_bytes())
        };
        let drawn = draw(&[chart(""), chart("λ IoU"), figure("b.svg", b"<svg"), figure("c.png", b"no")]);
        let dark = |p: &RgbaImage| p.pixels().filter(|p| p.0[0] < 100).count();
        let [empty, word, None, None] = &drawn[..] else { panic!("{drawn:?}") };
        let (empty, word) = (empty.as_ref().unwrap(), word.as_ref().unwrap());
        assert_eq!(word.dimensions(), (120, 40));
        assert!(dark(empty) == 0 && dark(word) > 60, "{} dark pixels", dark(word));
    }
}
