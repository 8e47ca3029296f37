//! Small charts.

use crate::window::theme;
use egui::{Align2, Color32, Pos2, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

/// A line of a chart: its name, colour and points.
pub struct Line<'a> {
    /// Name for the legend.
    pub name: String,
    /// Colour.
    pub colour: Color32,
    /// Points [x, y], x rising.
    pub points: &'a [[f64; 2]],
}

/// The map from figures to places.
#[derive(Clone, Copy)]
pub struct Axes {
    area: Rect,
    x: [f64; 2],
    y: [f64; 2],
    log: bool,
}

impl Axes {
    /// Over `points` in `area`; x by its logarithm where `log`.
    pub fn over(points: impl Iterator<Item = [f64; 2]>, area: Rect, log: bool) -> Self {
        let mut ends = [[f64::INFINITY, f64::NEG_INFINITY]; 2];
        for point in points {
            for (end, v) in ends.iter_mut().zip(point) {
                *end = [end[0].min(v), end[1].max(v)];
            }
        }
        let wide = |[low, high]: [f64; 2]| match high - low {
            span if span > 0.0 => [low, high],
            _ if low.is_finite() => [low - 0.5 * low.abs().max(1e-3), low + 0.5 * low.abs().max(1e-3)],
            _ => [0.0, 1.0],
        };
        Self { area, x: wide(ends[0]), y: wide(ends[1]), log }
    }

    /// Where a point stands.
    pub fn place(&self, [x, y]: [f64; 2]) -> Pos2 {
        let scale = |v: f64| if self.log { v.max(1e-9).ln() } else { v };
        let [x0, x1] = self.x.map(scale);
        let part = [(scale(x) - x0) / (x1 - x0), (y - self.y[0]) / (self.y[1] - self.y[0])];
        pos2(
            self.area.left() + part[0] as f32 * self.area.width(),
            self.area.bottom() - part[1] as f32 * self.area.height(),
        )
    }

    /// Figures at the ends of both axes.
    pub fn label(&self, ui: &Ui, frame: Rect, x: &str, figure: impl Fn(f64) -> String) {
        let t = theme::of(ui);
        for (y, value) in [(self.area.bottom(), self.y[0]), (self.area.top(), self.y[1])] {
            let at = pos2(self.area.left() - 6.0, y);
            ui.painter().text(at, Align2::RIGHT_CENTER, figure(value), theme::figures(), t.dim);
        }
        let bottom = frame.bottom() - 5.0;
        let ends = [
            (self.area.left(), self.x[0], Align2::LEFT_BOTTOM),
            (self.area.right(), self.x[1], Align2::RIGHT_BOTTOM),
        ];
        for (left, value, align) in ends {
            ui.painter().text(pos2(left, bottom), align, short(value), theme::figures(), t.dim);
        }
        let middle = pos2(self.area.center().x, bottom);
        ui.painter().text(middle, Align2::CENTER_BOTTOM, x, theme::small(), t.dim);
    }
}

/// A figure with about three digits.
pub fn short(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        _ if value.fract() == 0.0 => format!("{value:.0}"),
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 0.1 => format!("{value:.2}"),
        v if v >= 0.001 => format!("{value:.3}"),
        _ => format!("{value:.1e}"),
    }
}

/// A titled chart of lines over steps.
pub fn lines(ui: &mut Ui, title: &str, size: egui::Vec2, lines: &[Line<'_>]) {
    let t = theme::of(ui);
    let (frame, response) = ui.allocate_exact_size(size, Sense::hover());
    let last = |l: &Line<'_>| l.points.last().map_or_else(String::new, |p| short(p[1]));
    let said = lines.iter().map(|l| format!("{} {}", l.name, last(l))).collect::<Vec<_>>().join(", ");
    response.widget_info(|| WidgetInfo::labeled(Role::Group, true, format!("{title}: {said}")));
    let painter = ui.painter_at(frame);
    painter.rect(frame, 6.0, t.panel, Stroke::new(1.0, t.line), StrokeKind::Inside);
    let heading = pos2(frame.left() + 12.0, frame.top() + 16.0);
    painter.text(heading, Align2::LEFT_CENTER, title, theme::strong(theme::SMALL), t.text);
    let mut right = frame.right() - 12.0;
    for line in lines.iter().rev() {
        let label = if lines.len() > 1 { format!("{} {}", line.name, last(line)) } else { last(line) };
        let at = pos2(right, frame.top() + 16.0);
        let rect = painter.text(at, Align2::RIGHT_CENTER, label, theme::figures(), line.colour);
        right = rect.left() - 12.0;
    }
    let area = Rect::from_min_max(frame.min + vec2(54.0, 34.0), frame.max - vec2(14.0, 26.0));
    let axes = Axes::over(lines.iter().flat_map(|l| l.points.iter().copied()), area, false);
    axes.label(ui, frame, "steps", short);
    painter.hline(area.x_range(), area.bottom(), Stroke::new(1.0, t.line));
    for line in lines {
        let points: Vec<Pos2> = line.points.iter().map(|p| axes.place(*p)).collect();
        if let [only] = points[..] {
            painter.circle_filled(only, 2.5, line.colour);
        }
        painter.line(points, Stroke::new(1.6, line.colour));
    }
}
