//! Figures as people read them.

use paser_core::cost::Flops;
use std::path::Path;

/// A share with one decimal, without the sign.
pub fn percent(share: f64) -> String {
    format!("{:.1}", 100.0 * share)
}

/// A count of operations with a prefix.
pub fn flops(count: Flops) -> String {
    let giga = count as f64 / 1e9;
    match giga {
        g if g >= 10_000.0 => format!("{:.1} TFLOPs", g / 1000.0),
        g if g >= 100.0 => format!("{g:.0} GFLOPs"),
        g if g >= 1.0 => format!("{g:.1} GFLOPs"),
        g => format!("{:.0} MFLOPs", g * 1000.0),
    }
}

/// The same, short.
pub fn short_flops(count: Flops) -> String {
    match count as f64 / 1e9 {
        g if g >= 10.0 => format!("{g:.0} GF"),
        g if g >= 0.995 => format!("{g:.2} GF"),
        g => format!("{:.0} MF", g * 1000.0),
    }
}

/// A span of time, no finer than one can act on.
pub fn span(seconds: f64) -> String {
    match seconds {
        s if s < 10.0 => format!("{s:.1} s"),
        s if s < 60.0 => format!("{s:.0} s"),
        s if s < 3600.0 => format!("{:.0} min {:02.0} s", (s / 60.0).floor(), (s % 60.0).floor()),
        s => format!("{:.0} h {:02.0} min", (s / 3600.0).floor(), (s % 3600.0 / 60.0).floor()),
    }
}

/// A short span of time with two digits.
pub fn brief(seconds: f64) -> String {
    match seconds {
        s if s < 0.0995 => format!("{:.0} ms", 1e3 * s),
        s if s < 9.95 => format!("{s:.2} s"),
        s => span(s),
    }
}

/// A rate in slices, in the way that keeps two digits.
pub fn rate(slices_a_second: f64) -> String {
    match slices_a_second {
        r if r >= 10.0 => format!("{r:.0} slices/s"),
        r if r >= 0.1 => format!("{r:.1} slices/s"),
        r => format!("{:.1} slices/min", r * 60.0),
    }
}

/// A size of data.
pub fn bytes(count: u64) -> String {
    match count as f64 {
        b if b >= 1e9 => format!("{:.1} GB", b / 1e9),
        b if b >= 1e6 => format!("{:.0} MB", b / 1e6),
        b => format!("{:.0} kB", (b / 1e3).ceil()),
    }
}

/// A unit of length as it is written.
pub fn unit(unit: &str) -> &str {
    match unit {
        "um" | "micron" | "microns" | "\u{b5}m" => "µm",
        other => other,
    }
}

/// A length without trailing noise.
pub fn length(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A grey value: whole where it is whole.
pub fn grey(value: f32) -> String {
    if value.fract() == 0.0 && value.abs() < 1e7 { format!("{value:.0}") } else { format!("{value:.4}") }
}

/// Name of a file or folder for people.
pub fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// A value with as many decimals as matter within a span.
pub fn within(value: f32, span: f32) -> String {
    match span {
        s if s >= 50.0 => format!("{value:.0}"),
        s if s >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.5}"),
    }
}
