//! Icons drawn from lines, so that they are sharp at every size and need no font.

use egui::{Color32, Painter, Pos2, Rect, Stroke, StrokeKind, Vec2, pos2, vec2};

/// What an icon means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    /// The slice alone.
    Grey,
    /// Classes.
    Labels,
    /// Entropy.
    Entropy,
    /// Probability of a class.
    Probability,
    /// Labels against truth.
    Error,
    /// Patches by net.
    Routing,
    /// Divided view.
    Swipe,
    /// Cuts along the stack.
    Cuts,
    /// All of the slice.
    Fit,
    /// One to one.
    Actual,
    /// Light.
    Sun,
    /// Dark.
    Moon,
}

/// Draws an icon of about 18 points.
pub fn paint(painter: &Painter, icon: Icon, centre: Pos2, colour: Color32) {
    let stroke = Stroke::new(1.4, colour);
    let square = Rect::from_center_size(centre, Vec2::splat(15.0));
    let faint = colour.gamma_multiply(0.45);
    match icon {
        Icon::Grey => {
            painter.rect_stroke(square, 3.0, stroke, StrokeKind::Inside);
            painter.circle_filled(centre + vec2(2.0, 1.5), 3.6, faint);
        }
        Icon::Labels => {
            painter.rect_stroke(square, 3.0, stroke, StrokeKind::Inside);
            painter.circle_filled(centre + vec2(-2.0, -2.0), 2.8, colour);
            painter.circle_filled(centre + vec2(2.8, 2.8), 2.2, faint);
        }
        Icon::Entropy => entropy(painter, square, stroke),
        Icon::Probability => bars(painter, square, stroke),
        Icon::Error => {
            painter.rect_stroke(square, 3.0, Stroke::new(1.4, faint), StrokeKind::Inside);
            let arm = square.shrink(4.0);
            painter.line_segment([arm.left_top(), arm.right_bottom()], stroke);
            painter.line_segment([arm.right_top(), arm.left_bottom()], stroke);
        }
        Icon::Routing => routing(painter, square, stroke),
        Icon::Swipe => {
            painter.rect_stroke(square, 3.0, stroke, StrokeKind::Inside);
            let right = Rect::from_min_max(pos2(centre.x, square.top() + 1.0), square.max - vec2(1.0, 1.0));
            painter.rect_filled(right, 2.0, faint);
            painter.vline(centre.x, square.y_range().expand(2.5), stroke);
        }
        Icon::Cuts => {
            painter.rect_stroke(square, 3.0, stroke, StrokeKind::Inside);
            painter.vline(centre.x + 2.0, square.y_range(), stroke);
            painter.hline(centre.x + 2.0..=square.right(), centre.y, stroke);
        }
        Icon::Fit => corners(painter, square, stroke),
        Icon::Actual => {
            corners(painter, square, Stroke::new(1.4, faint));
            painter.rect_filled(Rect::from_center_size(centre, Vec2::splat(5.0)), 1.0, colour);
        }
        Icon::Sun => sun(painter, centre, stroke),
        Icon::Moon => moon(painter, centre, stroke),
    }
}

/// A wave: doubt along a line.
fn entropy(painter: &Painter, square: Rect, stroke: Stroke) {
    for (row, strength) in [(0.2, 0.45), (0.5, 1.0), (0.8, 0.45)] {
        let points = (0..=16).map(|i| {
            let t = i as f32 / 16.0;
            let swing = (t * std::f32::consts::TAU * 1.25).sin() * 2.2;
            pos2(square.left() + t * square.width(), square.top() + row * square.height() + swing)
        });
        let stroke = Stroke::new(stroke.width, stroke.color.gamma_multiply(strength));
        painter.line(points.collect(), stroke);
    }
}

/// Bars that rise.
fn bars(painter: &Painter, square: Rect, stroke: Stroke) {
    painter.rect_stroke(square, 3.0, stroke, StrokeKind::Inside);
    for (i, strength) in [0.35, 0.65, 1.0].into_iter().enumerate() {
        let left = square.left() + 3.0 + 3.2 * i as f32;
        let top = square.bottom() - 5.5 - 3.0 * i as f32;
        let bar = Rect::from_min_max(pos2(left, top), pos2(left + 2.4, square.bottom() - 3.0));
        painter.rect_filled(bar, 0.5, stroke.color.gamma_multiply(strength));
    }
}

/// A grid with one patch filled.
fn routing(painter: &Painter, square: Rect, stroke: Stroke) {
    painter.rect_stroke(square, 2.0, stroke, StrokeKind::Inside);
    let third = square.width() / 3.0;
    let thin = Stroke::new(1.0, stroke.color.gamma_multiply(0.7));
    for i in 1..3 {
        painter.vline(square.left() + i as f32 * third, square.y_range(), thin);
        painter.hline(square.x_range(), square.top() + i as f32 * third, thin);
    }
    let patch = Rect::from_min_size(square.min + vec2(third, 0.0), Vec2::splat(third));
    painter.rect_filled(patch, 0.0, stroke.color);
}

fn corners(painter: &Painter, square: Rect, stroke: Stroke) {
    let arm = 4.5;
    for (corner, x, y) in [
        (square.left_top(), arm, arm),
        (square.right_top(), -arm, arm),
        (square.left_bottom(), arm, -arm),
        (square.right_bottom(), -arm, -arm),
    ] {
        painter.line(vec![corner + vec2(x, 0.0), corner, corner + vec2(0.0, y)], stroke);
    }
}

fn sun(painter: &Painter, centre: Pos2, stroke: Stroke) {
    painter.circle_stroke(centre, 3.4, stroke);
    for i in 0..8 {
        let ray = Vec2::angled(i as f32 * std::f32::consts::TAU / 8.0);
        painter.line_segment([centre + ray * 5.6, centre + ray * 7.6], stroke);
    }
}

fn moon(painter: &Painter, centre: Pos2, stroke: Stroke) {
    let arc = |middle: Vec2, radius: f32, from: f32, to: f32| {
        (0..=20).map(move |i| centre + middle + radius * Vec2::angled(from + (to - from) * i as f32 / 20.0))
    };
    let outer = arc(Vec2::ZERO, 6.6, -0.95, -0.95 - 4.4);
    let tip = Vec2::angled(-0.95 - 4.4) * 6.6;
    let other = Vec2::angled(-0.95) * 6.6;
    let middle = (tip + other) / 2.0 + vec2(3.0, -1.6);
    let (from, to) = ((tip - middle).angle(), (other - middle).angle() + std::f32::consts::TAU);
    let inner =
        arc(middle, (tip - middle).length(), from, from + (to - from).rem_euclid(std::f32::consts::TAU));
    painter.line(outer.chain(inner).collect(), stroke);
}
