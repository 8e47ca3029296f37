//! Zoom and place of the slice on the screen.

use egui::{Pos2, Rect, Vec2, pos2, vec2};

/// Room around a slice that is fitted, in points.
const MARGIN: f32 = 20.0;
/// Screen pixels per pixel of the slice.
const ZOOMS: [f32; 2] = [0.02, 64.0];

/// What part of the slice is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum View {
    /// All of it.
    #[default]
    Fit,
    /// At a zoom of the user's.
    Free {
        /// Screen pixels per pixel of the slice.
        zoom: f32,
        /// The place in the slice that stands in the middle.
        centre: [f32; 2],
    },
}

/// The map between slice and screen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transform {
    /// Where the top left corner of the slice stands.
    pub origin: Pos2,
    /// Points per pixel of the slice.
    pub scale: f32,
    viewport: Rect,
    density: f32,
}

impl View {
    /// The map for a slice of `size` (rows, columns) in `viewport` on a screen of `density` pixels a point.
    pub fn transform(&self, viewport: Rect, size: [usize; 2], density: f32) -> Transform {
        let extent = vec2(size[1].max(1) as f32, size[0].max(1) as f32);
        let (scale, centre) = match *self {
            Self::Fit => {
                let room = (viewport.size() - Vec2::splat(2.0 * MARGIN)).max(Vec2::splat(1.0)) / extent;
                (room.min_elem(), extent / 2.0)
            }
            Self::Free { zoom, centre } => (zoom / density, vec2(centre[0], centre[1])),
        };
        let origin = viewport.center() - centre * scale;
        let snapped = (origin.to_vec2() * density).round() / density;
        Transform { origin: snapped.to_pos2(), scale, viewport, density }
    }
}

impl Transform {
    /// Where a place of the slice stands.
    pub fn to_screen(&self, x: f32, y: f32) -> Pos2 {
        self.origin + vec2(x, y) * self.scale
    }

    /// Rectangle of pixels from [x, y] on.
    pub fn rect(&self, [x, y]: [usize; 2], [width, height]: [usize; 2]) -> Rect {
        Rect::from_min_size(
            self.to_screen(x as f32, y as f32),
            vec2(width as f32, height as f32) * self.scale,
        )
    }

    /// The place of the slice at `pos`.
    pub fn to_slice(&self, pos: Pos2) -> Pos2 {
        ((pos - self.origin) / self.scale).to_pos2()
    }

    /// The pixel at `pos`, where it lies in a slice of `size` (rows, columns).
    pub fn pixel(&self, pos: Pos2, size: [usize; 2]) -> Option<[usize; 2]> {
        let place = self.to_slice(pos);
        let inside = place.x >= 0.0 && place.y >= 0.0 && place.x < size[1] as f32 && place.y < size[0] as f32;
        inside.then_some([place.x as usize, place.y as usize])
    }

    /// Screen pixels per pixel of the slice.
    pub fn zoom(&self) -> f32 {
        self.scale * self.density
    }

    /// The view zoomed by `factor` so that what is under `anchor` stays there.
    pub fn zoomed(&self, factor: f32, anchor: Pos2) -> View {
        let zoom = (self.zoom() * factor).clamp(ZOOMS[0], ZOOMS[1]);
        let scale = zoom / self.density;
        let fixed = self.to_slice(anchor);
        let centre = fixed + (self.viewport.center() - anchor) / scale;
        View::Free { zoom, centre: centre.into() }
    }

    /// The view moved with the pointer by `delta` points.
    pub fn panned(&self, delta: Vec2) -> View {
        let centre = self.to_slice(self.viewport.center() - delta);
        View::Free { zoom: self.zoom(), centre: centre.into() }
    }

    /// Middle of the viewport.
    pub fn middle(&self) -> Pos2 {
        self.viewport.center()
    }
}

/// A round length for a scale bar of about `points`, where a pixel of the slice is `pixel` long and
/// `scale` points wide.
pub fn scale_bar(points: f32, pixel: f64, scale: f32) -> f64 {
    let wanted = f64::from(points) / f64::from(scale.max(f32::MIN_POSITIVE)) * pixel;
    let power = 10f64.powf(wanted.log10().floor());
    let step = [5.0, 2.0, 1.0].into_iter().find(|s| s * power <= wanted).unwrap_or(1.0);
    step * power
}

impl Default for Transform {
    fn default() -> Self {
        Self { origin: pos2(0.0, 0.0), scale: 1.0, viewport: Rect::ZERO, density: 1.0 }
    }
}
