//! Every colour, size and font of the window, for dark and light.

use egui::{self, Color32, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Stroke, TextStyle};
use paser_core::export::fonts::{REGULAR, STRONG};
use paser_core::export::overlay::ROUTES;
use std::sync::Arc;

/// Size of running text.
pub const BODY: f32 = 13.5;
/// Size of captions and side notes.
pub const SMALL: f32 = 12.0;
/// Rounding of buttons, bars and cards.
pub const ROUND: u8 = 5;

/// Dark or light.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Mode {
    /// Light text on dark.
    #[default]
    Dark,
    /// Dark text on light.
    Light,
}

impl Mode {
    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Self::Dark => Self::Light,
            Self::Light => Self::Dark,
        }
    }

    /// As egui names it.
    pub fn egui(self) -> egui::Theme {
        match self {
            Self::Dark => egui::Theme::Dark,
            Self::Light => egui::Theme::Light,
        }
    }
}

/// The colours of a mode by what they are for.
#[derive(Clone, Copy, Debug)]
pub struct Tokens {
    /// Ground of the slice.
    pub canvas: Color32,
    /// Text directly on [`Self::canvas`].
    pub on_canvas: Color32,
    /// Quiet text on [`Self::canvas`].
    pub on_canvas_dim: Color32,
    /// Ground of bars and panels.
    pub panel: Color32,
    /// Buttons, cards, tracks.
    pub raised: Color32,
    /// The same under the pointer.
    pub hovered: Color32,
    /// Hairlines.
    pub line: Color32,
    /// Text.
    pub text: Color32,
    /// Quiet text.
    pub dim: Color32,
    /// The one accent.
    pub accent: Color32,
    /// Ground of the primary button.
    pub primary: Color32,
    /// Text on [`Self::primary`].
    pub on_primary: Color32,
    /// Empty tracks of bars.
    pub track: Color32,
    /// Something went well.
    pub good: Color32,
    /// Something wants attention.
    pub warn: Color32,
    /// A small mark that does.
    pub amber: Color32,
    /// Its ground.
    pub warn_fill: Color32,
    /// Something failed.
    pub error: Color32,
    /// Its ground.
    pub error_fill: Color32,
}

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

/// Dark.
pub const DARK: Tokens = Tokens {
    canvas: rgb(0x0a_0c_10),
    on_canvas: rgb(0xd8_dd_e4),
    on_canvas_dim: rgb(0x8a_93_a0),
    panel: rgb(0x14_18_1f),
    raised: rgb(0x1f_25_2e),
    hovered: rgb(0x2a_32_3d),
    line: rgb(0x27_2d_37),
    text: rgb(0xe6_ea_f0),
    dim: rgb(0x93_9c_a9),
    accent: rgb(0x56_b4_e9),
    primary: rgb(0x2b_7e_bd),
    on_primary: rgb(0xff_ff_ff),
    track: rgb(0x26_2c_36),
    good: rgb(0x7f_d4_9b),
    warn: rgb(0xf0_d9_8c),
    amber: rgb(0xe6_b4_3c),
    warn_fill: rgb(0x2b_26_14),
    error: rgb(0xff_a5_9b),
    error_fill: rgb(0x36_1a_1b),
};

/// Light.
pub const LIGHT: Tokens = Tokens {
    canvas: rgb(0xe4_e7_eb),
    on_canvas: rgb(0x26_2c_34),
    on_canvas_dim: rgb(0x5b_65_72),
    panel: rgb(0xfb_fc_fd),
    raised: rgb(0xee_f1_f4),
    hovered: rgb(0xe1_e6_eb),
    line: rgb(0xd9_de_e4),
    text: rgb(0x1b_20_27),
    dim: rgb(0x5b_65_72),
    accent: rgb(0x1f_78_b8),
    primary: rgb(0x1f_78_b8),
    on_primary: rgb(0xff_ff_ff),
    track: rgb(0xdd_e2_e8),
    good: rgb(0x1f_7a_43),
    warn: rgb(0x6b_51_00),
    amber: rgb(0xd9_8e_04),
    warn_fill: rgb(0xfd_f3_d4),
    error: rgb(0x9c_1c_1c),
    error_fill: rgb(0xfd_e8_e6),
};

/// Outline of the selected patch.
pub const SELECTED: Color32 = Color32::WHITE;
/// Ground of letters on the slice.
pub const LETTER_GROUND: Color32 = Color32::from_black_alpha(170);
/// Letters of patches that the small net kept.
pub const QUIET_LETTER: Color32 = rgb(0xd4_da_e2);
/// Text on the bright colours of routes.
pub const ON_ROUTE: Color32 = rgb(0x10_14_1a);

/// Colour of a net's patches.
pub fn route(net: usize) -> Color32 {
    let [r, g, b] = ROUTES.get(net).copied().unwrap_or(ROUTES[0]);
    Color32::from_rgb(r, g, b)
}

/// Letter of net `net` among `nets`: S, M, L for the usual three, else its number.
pub fn letter(net: usize, nets: usize) -> String {
    let known = match (nets, net) {
        (2 | 3, 0) => "S",
        (3, 1) => "M",
        (2, 1) | (3, 2) => "L",
        _ => return format!("f{net}"),
    };
    known.to_owned()
}

/// The tokens in force.
pub fn of(ui: &egui::Ui) -> &'static Tokens {
    if ui.visuals().dark_mode { &DARK } else { &LIGHT }
}

/// Running text.
pub fn body() -> FontId {
    FontId::proportional(BODY)
}

/// Captions.
pub fn small() -> FontId {
    FontId::proportional(SMALL)
}

/// Figures.
pub fn figures() -> FontId {
    FontId::monospace(SMALL)
}

/// Headings and names.
pub fn strong(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name("strong".into()))
}

/// Sets fonts and both styles.
pub fn install(ctx: &egui::Context) {
    ctx.set_fonts(fonts());
    for (theme, tokens) in [(egui::Theme::Dark, &DARK), (egui::Theme::Light, &LIGHT)] {
        ctx.style_mut_of(theme, |style| restyle(style, tokens));
    }
}

fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let regular = FontData::from_static(REGULAR);
    let strong = FontData::from_static(STRONG);
    fonts.font_data.insert("inter".to_owned(), Arc::new(regular));
    fonts.font_data.insert("inter-strong".to_owned(), Arc::new(strong));
    let proportional = fonts.families.entry(FontFamily::Proportional).or_default();
    proportional.insert(0, "inter".to_owned());
    let mut heavy = proportional.clone();
    heavy.insert(0, "inter-strong".to_owned());
    fonts.families.insert(FontFamily::Name("strong".into()), heavy);
    fonts
}

fn restyle(style: &mut egui::Style, t: &Tokens) {
    style.text_styles = [
        (TextStyle::Heading, strong(20.0)),
        (TextStyle::Body, body()),
        (TextStyle::Button, body()),
        (TextStyle::Small, small()),
        (TextStyle::Monospace, figures()),
    ]
    .into();
    style.spacing.item_spacing = egui::vec2(8.0, 6.0);
    style.spacing.button_padding = egui::vec2(12.0, 6.0);
    style.spacing.interact_size.y = 28.0;
    style.spacing.slider_rail_height = 4.0;
    style.interaction.selectable_labels = false;
    let v = &mut style.visuals;
    v.panel_fill = t.panel;
    v.window_fill = t.panel;
    v.window_stroke = Stroke::new(1.0, t.line);
    v.extreme_bg_color = t.raised;
    v.faint_bg_color = t.raised;
    v.override_text_color = None;
    v.weak_text_color = Some(t.dim);
    v.hyperlink_color = t.accent;
    v.selection.bg_fill = t.accent.gamma_multiply(0.55);
    v.selection.stroke = Stroke::new(1.0, t.text);
    v.slider_trailing_fill = true;
    v.handle_shape = egui::style::HandleShape::Circle;
    v.window_corner_radius = CornerRadius::same(10);
    v.menu_corner_radius = CornerRadius::same(8);
    let w = &mut v.widgets;
    for (state, fill) in [
        (&mut w.noninteractive, t.panel),
        (&mut w.inactive, t.raised),
        (&mut w.hovered, t.hovered),
        (&mut w.active, t.hovered),
        (&mut w.open, t.raised),
    ] {
        state.bg_fill = fill;
        state.weak_bg_fill = fill;
        state.bg_stroke = Stroke::NONE;
        state.fg_stroke = Stroke::new(1.0, t.text);
        state.corner_radius = CornerRadius::same(ROUND);
        state.expansion = 0.0;
    }
    w.noninteractive.bg_stroke = Stroke::new(1.0, t.line);
}
