//! The slice: grey values, layers, patches, the scale bar, the probe; and a second result beside it.

#[path = "viewer_cuts.rs"]
mod cuts;
#[path = "viewer_hud.rs"]
mod hud;
#[path = "viewer_input.rs"]
mod input;
#[path = "viewer_layers.rs"]
mod layers;

use super::Pane;
use crate::window::canvas::view::Transform;
use crate::window::grey::Grey;
use crate::window::results::{Kept, Summary};
use crate::window::state::Stack;
use crate::window::theme;
use egui::{Align2, CentralPanel, Color32, Frame, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};
use std::sync::Arc;

/// Height of the line above the slice.
const LINE: f32 = 36.0;

/// One result of the slice as it is drawn.
struct Face {
    grey: Option<Arc<Grey>>,
    kept: Option<Arc<Kept>>,
    version: u64,
    /// Number of the second result, where it is that.
    trial: Option<u64>,
    /// Number of the second result whose grey values are its own.
    own_grey: Option<u64>,
    title: String,
}

impl Face {
    fn first(stack: &Stack) -> Self {
        let title = stack.summary().map_or_else(String::new, Summary::title);
        Self {
            grey: stack.slices.get(stack.z).cloned(),
            kept: stack.kept().cloned(),
            version: stack.results.version,
            trial: None,
            own_grey: None,
            title,
        }
    }

    fn second(stack: &Stack) -> Option<Self> {
        let trial = stack.trial()?;
        Some(Self {
            grey: trial.grey.clone().or_else(|| stack.slices.get(stack.z).cloned()),
            kept: Some(trial.kept.clone()),
            version: trial.version,
            trial: Some(trial.version),
            own_grey: trial.grey.as_ref().map(|_| trial.version),
            title: trial.title.clone(),
        })
    }
}

/// Draws it.
pub fn show(ui: &mut Ui, pane: &mut Pane<'_>) {
    let t = theme::of(ui);
    CentralPanel::default().frame(Frame::new().fill(t.canvas)).show(ui, |ui| {
        let Some(stack) = &pane.state.stack else { return };
        let area = ui.available_rect_before_wrap();
        let line = area.with_max_y(area.top() + LINE);
        let mut whole = area.with_min_y(line.bottom());
        if stack.overview.is_some() {
            let side = whole.with_min_x(whole.right() - 0.36 * whole.width());
            whole.set_right(side.left());
            cuts::show(ui, pane, stack, side);
        }
        let (first, second) = (Face::first(stack), Face::second(stack));
        let beside = second.as_ref().filter(|_| pane.state.overlay.split);
        let left = if beside.is_some() { whole.with_max_x(whole.center().x - 1.0) } else { whole };
        let (zoom, pointed) =
            surface(ui, pane, stack, left, ("slice", &first, beside.map_or(second.as_ref(), |_| None)));
        let mut pointed = pointed;
        if let Some(second) = beside {
            let right = whole.with_min_x(whole.center().x + 1.0);
            ui.painter().vline(whole.center().x, whole.y_range(), Stroke::new(1.0, t.line));
            let (_, other) = surface(ui, pane, stack, right, ("second", second, None));
            pointed = pointed.or(other);
            for (face, area) in [(&first, left), (second, right)] {
                let at = pos2(area.center().x, area.top() + 4.0);
                ui.painter().text(at, Align2::CENTER_TOP, &face.title, theme::small(), t.on_canvas);
            }
        }
        hud::line(ui, pane, stack, line, zoom, pointed);
    });
}

/// One slice with its layers, and behind the divider `over`; zoom and the pixel pointed at.
fn surface(
    ui: &mut Ui,
    pane: &mut Pane<'_>,
    stack: &Stack,
    viewport: Rect,
    (name, face, over): (&str, &Face, Option<&Face>),
) -> (f32, Option<[usize; 2]>) {
    let transform = stack.view.transform(viewport, stack.size(), ui.pixels_per_point());
    let response = ui.interact(viewport, ui.scope_id().with(name), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("Slice {}", stack.z + 1)));
    let image = transform.rect([0, 0], [stack.info.width, stack.info.height]);
    let alone = over.is_none() && stack.trial().is_none();
    let begin = pane.state.overlay.swipe.filter(|_| alone).unwrap_or(0.0);
    slice(ui, pane, stack, viewport, image, face);
    layers::show(
        ui,
        pane,
        stack,
        face,
        (viewport, viewport.with_min_x(image.left() + begin * image.width())),
        &transform,
    );
    if let Some(over) = over {
        let at = image.left() + pane.state.overlay.swipe.unwrap_or(0.5) * image.width();
        let part = viewport.with_min_x(at.max(viewport.left()));
        slice(ui, pane, stack, part, image, over);
        layers::show(ui, pane, stack, over, (part, part), &transform);
    }
    if stack.overview.is_some() {
        cuts::cross(ui, stack, viewport, &transform);
    }
    let dividing = hud::swipe(ui, pane, viewport, image, over.is_some());
    if over.is_some() {
        titles(ui, viewport, image, (face, over), pane.state.overlay.swipe.unwrap_or(0.5));
    }
    if face.trial.is_none() {
        hud::scale_bar(ui, stack, viewport, &transform);
    }
    if !dividing {
        input::take(ui, pane, stack, &response, &transform);
    }
    let pointed = response.hover_pos().and_then(|at| transform.pixel(at, stack.size()));
    (transform.zoom(), pointed)
}

/// What stands at the left and at the right of the divider.
fn titles(ui: &Ui, viewport: Rect, image: Rect, (left, right): (&Face, Option<&Face>), at: f32) {
    let t = theme::of(ui);
    let x = image.left() + at * image.width();
    let y = image.top().max(viewport.top()) + 8.0;
    let painter = ui.painter_at(viewport);
    let right = right.map_or("", |f| f.title.as_str());
    for (text, align, x) in
        [(left.title.as_str(), Align2::RIGHT_TOP, x - 12.0), (right, Align2::LEFT_TOP, x + 12.0)]
    {
        let rect = align.anchor_size(
            pos2(x, y),
            painter.layout_no_wrap(text.to_owned(), theme::small(), t.on_canvas).size(),
        );
        painter.rect_filled(rect.expand2(vec2(6.0, 3.0)), 4.0, t.canvas.gamma_multiply(0.75));
        painter.text(pos2(x, y), align, text, theme::small(), t.on_canvas);
    }
}

/// The grey slice, or why it is not there.
fn slice(ui: &Ui, pane: &mut Pane<'_>, stack: &Stack, viewport: Rect, image: Rect, face: &Face) {
    let t = theme::of(ui);
    let painter = ui.painter_at(viewport);
    let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
    if let Some(grey) = &face.grey {
        let texture = pane.canvas.grey(ui.ctx(), stack, grey, face.own_grey);
        painter.image(texture, image, whole, Color32::WHITE);
        return;
    }
    painter.rect_filled(image, 0.0, t.track.gamma_multiply(0.5));
    let said = if stack.unreadable.contains(&stack.z) { "cannot be read" } else { "is being read" };
    let said = format!("Slice {} {said}", stack.z + 1);
    painter.text(
        image.intersect(viewport).center(),
        Align2::CENTER_CENTER,
        said,
        theme::body(),
        t.on_canvas_dim,
    );
}

/// Where a rectangle of pixels stands.
fn place(at: paser_core::route::tiles::Rect, transform: &Transform) -> Rect {
    transform.rect([at.x, at.y], [at.width, at.height])
}
