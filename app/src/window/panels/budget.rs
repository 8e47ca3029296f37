//! What the user is ready to pay: λ, or seconds, operations or IoU; what the bundle promises for it,
//! and where that lies on the cost curve.

use super::{Pane, kit};
use crate::window::command::Command;
use crate::window::promise;
use crate::window::results::Model;
use crate::window::state::{Dial, Loading, Stack, Workspace};
use crate::window::{text, theme};
use egui::{Align2, Pos2, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};
use paser_core::bundle::CurvePoint;

/// Draws it.
pub fn show(ui: &mut Ui, pane: &mut Pane<'_>) {
    kit::heading(ui, "Budget");
    match &pane.state.model {
        Loading::Waiting => {
            ui.horizontal(|ui| {
                ui.spinner();
                kit::note(ui, "Preparing device: loading the nets and checking their known answers. This takes longest the first time.");
            });
        }
        Loading::Failed => {
            kit::note(ui, "Needs a model bundle.");
        }
        Loading::Ready(model) => {
            let model = model.clone();
            dials(ui, pane, &model);
            let size = size(pane, &model);
            match pane.state.dial {
                Dial::Lambda => lambda(ui, pane, &model),
                dial => budget(ui, pane, &model, dial, size),
            }
            tvd(ui, pane, &model);
            if let Some(point) = promise::at(&model.manifest, pane.state.lambda) {
                expected(ui, &model, &point);
            }
            if promise::curve(&model.manifest).len() > 1 {
                ui.add_space(2.0);
                curve(ui, pane, &model, size);
            }
        }
    }
}

/// Rows and columns that costs are told for: the open stack's, or the batch's first.
fn size(pane: &Pane<'_>, model: &Model) -> [usize; 2] {
    let listed = pane.state.batch.rows.iter().find_map(|row| row.info.as_ref());
    let listed = listed.map(|info| [info.height, info.width]);
    let shown = pane.state.stack.as_ref().map(Stack::size);
    let size = if pane.state.workspace == Workspace::Batch { listed.or(shown) } else { shown };
    size.unwrap_or(model.manifest.layout.tile)
}

/// What is budgeted. A dial begins where λ stands.
fn dials(ui: &mut Ui, pane: &mut Pane<'_>, model: &Model) {
    let size = size(pane, model);
    let here = promise::at(&model.manifest, pane.state.lambda);
    let here = here.as_ref();
    let speeds = pane.state.speeds.as_ref();
    let seconds = here.zip(speeds).map(|(p, s)| Dial::Seconds(model.seconds(s, &p.shares, size)));
    let choices = [
        ("λ", Some(Dial::Lambda), matches!(pane.state.dial, Dial::Lambda)),
        ("seconds", seconds, matches!(pane.state.dial, Dial::Seconds(_))),
        (
            "GFLOPs",
            here.map(|p| Dial::Flops(model.flops(&p.shares, size))),
            matches!(pane.state.dial, Dial::Flops(_)),
        ),
        ("IoU", here.map(|p| Dial::Iou(p.iou)), matches!(pane.state.dial, Dial::Iou(_))),
    ];
    let names: Vec<&str> = choices.iter().map(|c| c.0).collect();
    let on = choices.iter().position(|c| c.2);
    if let Some(i) = kit::segments(ui, "Budget in", &names, on)
        && let Some(dial) = choices.get(i).and_then(|c| c.1)
    {
        pane.push(Command::SetDial(dial));
    }
}

fn lambda(ui: &mut Ui, pane: &mut Pane<'_>, model: &Model) {
    let lambda = pane.state.lambda;
    let hint = "Larger: cheaper, fewer patches go to the larger nets";
    if promise::curve(&model.manifest).len() < 2 {
        kit::row(ui, "Cost weight λ", &lambda.to_string());
        kit::note(ui, "The bundle holds this policy only.");
        return;
    }
    let place = promise::place(&model.manifest, lambda);
    if let Some(at) = kit::dial(ui, "Cost weight λ", hint, place, &lambda.to_string())
        && let Some(lambda) = promise::lambda_at(&model.manifest, at)
    {
        pane.push(Command::SetLambda(lambda));
    }
}

/// A slider over what the curve can offer; costs by their logarithm.
fn budget(ui: &mut Ui, pane: &mut Pane<'_>, model: &Model, dial: Dial, size: [usize; 2]) {
    let points = promise::curve(&model.manifest);
    let speeds = pane.state.speeds.as_ref();
    let value = |p: &CurvePoint| match dial {
        Dial::Seconds(_) => speeds.map_or(0.0, |s| model.seconds(s, &p.shares, size)).max(1e-9).ln(),
        Dial::Flops(_) => model.flops(&p.shares, size).max(1.0).ln(),
        _ => p.iou,
    };
    let (low, span) = ends(points.into_iter().map(value));
    let (name, figure, now) = match dial {
        Dial::Seconds(s) => ("At most", text::brief(s), s.max(1e-9).ln()),
        Dial::Flops(f) => ("At most", text::short_flops(f as u64), f.max(1.0).ln()),
        Dial::Iou(iou) => ("At least", format!("{iou:.3}"), iou),
        Dial::Lambda => return,
    };
    let hint = "For a slice; λ is chosen on the curve below, which the bundle's validation slices gave";
    if let Some(at) = kit::dial(ui, name, hint, (((now - low) / span) as f32, None), &figure) {
        let to = low + f64::from(at) * span;
        pane.push(Command::SetDial(match dial {
            Dial::Seconds(_) => Dial::Seconds(to.exp()),
            Dial::Flops(_) => Dial::Flops(to.exp()),
            _ => Dial::Iou(to),
        }));
    }
    kit::row(ui, "Gives λ", &pane.state.lambda.to_string());
}

fn tvd(ui: &mut Ui, pane: &mut Pane<'_>, model: &Model) {
    let most = promise::curve(&model.manifest).iter().map(|p| p.tvd).fold(0.0, f64::max);
    let Some(point) = promise::at(&model.manifest, pane.state.lambda).filter(|_| most > 0.0) else { return };
    let hint =
        "How far the shares lie from those at λ = 0: total variation distance on the validation slices";
    let figure = format!("{} %", text::percent(point.tvd));
    if let Some(at) = kit::dial(ui, "TVD from λ = 0", hint, ((point.tvd / most) as f32, None), &figure) {
        pane.push(Command::SetTvd(f64::from(at) * most));
    }
}

/// The shares that validation found for this λ.
fn expected(ui: &mut Ui, model: &Model, point: &CurvePoint) {
    let nets = model.manifest.nets.len();
    let shares: Vec<String> = point
        .shares
        .iter()
        .enumerate()
        .map(|(net, share)| format!("{} {:.0}", theme::letter(net, nets), 100.0 * share))
        .collect();
    kit::row(ui, "Expected shares, %", &shares.join("  "));
}

/// IoU over cost on the validation slices, costs those of a slice of this stack; a click chooses.
fn curve(ui: &mut Ui, pane: &mut Pane<'_>, model: &Model, size: [usize; 2]) {
    let t = theme::of(ui);
    let curve = promise::curve(&model.manifest);
    let (frame, response) = ui.allocate_exact_size(vec2(ui.available_width(), 116.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Group, true, "Cost curve"));
    let painter = ui.painter_at(frame);
    painter.rect_stroke(frame, 6.0, Stroke::new(1.0, t.line), StrokeKind::Inside);
    let area = Rect::from_min_max(frame.min + vec2(40.0, 16.0), frame.max - vec2(18.0, 26.0));
    let cost = |p: &CurvePoint| model.flops(&p.shares, size) / 1e9;
    let ((x0, dx), (y0, dy)) = (ends(curve.iter().map(|p| cost(p))), ends(curve.iter().map(|p| p.iou)));
    let place = |p: &CurvePoint| {
        let (x, y) = ((cost(p) - x0) / dx, (p.iou - y0) / dy);
        pos2(area.left() + x as f32 * area.width(), area.bottom() - y as f32 * area.height())
    };
    let places: Vec<Pos2> = curve.iter().map(|p| place(p)).collect();
    let mut line = places.clone();
    line.sort_by(|a, b| a.x.total_cmp(&b.x));
    painter.line(line, Stroke::new(1.5, t.accent.gamma_multiply(0.7)));
    places.iter().for_each(|place| _ = painter.circle_filled(*place, 3.0, t.dim));
    for (y, iou) in [(area.bottom(), y0), (area.top(), y0 + dy)] {
        let at = pos2(frame.left() + 8.0, y);
        painter.text(at, Align2::LEFT_CENTER, short(iou), theme::figures(), t.dim);
    }
    let bottom = frame.bottom() - 5.0;
    for (x, gflops, align) in
        [(area.left(), x0, Align2::LEFT_BOTTOM), (frame.right() - 8.0, x0 + dx, Align2::RIGHT_BOTTOM)]
    {
        painter.text(pos2(x, bottom), align, format!("{gflops:.0}"), theme::figures(), t.dim);
    }
    painter.text(
        pos2(area.center().x, bottom),
        Align2::CENTER_BOTTOM,
        "GFLOPs a slice",
        theme::small(),
        t.dim,
    );
    let middle = pos2(frame.left() + 8.0, area.center().y);
    painter.text(middle, Align2::LEFT_CENTER, "IoU", theme::small(), t.dim);
    if let Some(point) = promise::at(&model.manifest, pane.state.lambda) {
        let here = place(&point);
        painter.circle(here, 5.0, t.accent, Stroke::new(2.0, t.text));
        // The curve rises and flattens, so there is room below its right side.
        let seconds = pane.state.speeds.as_ref().map(|s| model.seconds(s, &point.shares, size));
        let seconds = seconds.map(|s| format!(" · {}", text::brief(s))).unwrap_or_default();
        let label = format!("{:.3} · {:.1} GF{seconds}", point.iou, cost(&point));
        let galley = painter.layout_no_wrap(label, theme::figures(), t.text);
        let left = (here.x + 7.0).min(frame.right() - 8.0 - galley.size().x);
        painter.galley(pos2(left, here.y + 6.0), galley, t.text);
    }
    let hint = "IoU on the bundle's validation slices: a bundle's promise, not your stack's. Costs are those of a slice of this size at the shares found there.";
    let response = response.on_hover_text(hint);
    if let (true, Some(at)) = (response.clicked(), response.interact_pointer_pos()) {
        let nearest = places.iter().zip(&curve).min_by(|a, b| a.0.distance(at).total_cmp(&b.0.distance(at)));
        if let Some((_, point)) = nearest {
            pane.push(Command::SetLambda(point.lambda));
        }
    }
}

/// Lowest value and span.
fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    (low, (high - low).max(f64::MIN_POSITIVE))
}

/// A share without its leading zero.
fn short(share: f64) -> String {
    format!("{share:.3}").trim_start_matches('0').to_owned()
}
