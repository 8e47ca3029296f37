//! The one list of what the user can ask for: keys, the shortcuts sheet and the palette read it.

use super::about::Wish;
use super::canvas::view::View;
use super::command::{Ask, Command};
use super::engine::Pick;
use super::state::{Layer, Workspace};
use egui::{Context, Event, Key, Modifiers};

/// Something to ask for.
pub struct Action {
    /// Keys, alternatives divided by |; empty where it has none.
    pub keys: &'static str,
    /// What it does.
    pub name: &'static str,
    /// The command.
    pub command: fn() -> Command,
}

const fn a(keys: &'static str, name: &'static str, command: fn() -> Command) -> Action {
    Action { keys, name, command }
}

/// All of them.
pub const ACTIONS: &[Action] = &[
    a("→|↓|.", "next slice", || Command::Step(1)),
    a("←|↑|,", "previous slice", || Command::Step(-1)),
    a("PgDn", "ten slices on", || Command::Step(10)),
    a("PgUp", "ten slices back", || Command::Step(-10)),
    a("Home", "first slice", || Command::GoTo(0)),
    a("End", "last slice", || Command::GoTo(usize::MAX)),
    a("F", "fit the slice", || Command::SetView(View::Fit)),
    a("1", "100 %", || Command::ActualSize),
    a("G", "grey", || Command::Show(Layer::Grey)),
    a("L", "labels", || Command::Show(Layer::Labels)),
    a("E", "entropy", || Command::Show(Layer::Entropy)),
    a("B", "probability of a class", || Command::Show(Layer::Probability(0))),
    a("X", "errors beside the truth", || Command::Show(Layer::Error)),
    a("R", "routing on or off", || Command::ToggleRouting),
    a("S", "swipe on or off", || Command::ToggleSwipe),
    a("V", "cuts XZ and YZ beside the slice", || Command::ToggleCuts),
    a("H", "hold this result to compare", || Command::Hold),
    a("D", "two results: split or divide", || Command::ToggleSplit),
    a("[", "a cheaper λ", || Command::NudgeLambda(1)),
    a("]", "a finer λ", || Command::NudgeLambda(-1)),
    a("Ctrl+Enter", "segment this slice", || Command::SegmentSlice),
    a("Ctrl+Shift+Enter", "segment the stack", || Command::SegmentStack),
    a("P", "pause the run or go on", || Command::TogglePause),
    a("Ctrl+O", "open a file", || Command::Pick(Pick::File)),
    a("Ctrl+Shift+O", "open a folder", || Command::Pick(Pick::Folder)),
    a("", "how this stack is read (axes, voxel size, part)", || Command::AskImport),
    a("Ctrl+S", "save the project", || Command::SaveProject(None)),
    a("", "save the project as", || Command::Pick(Pick::SaveProject)),
    a("", "open a project", || Command::Pick(Pick::Project)),
    a("", "open the sample stack", || Command::OpenSample),
    a("", "open a path", || Command::PathField(Some(String::new()))),
    a("", "load labels as truth", || Command::Pick(Pick::Truth)),
    a("", "load a folder of labels as truth", || Command::Pick(Pick::TruthFolder)),
    a("", "choose a model bundle", || Command::Pick(Pick::Bundle)),
    a("", "close the stack", || Command::Close),
    a("Ctrl+1", "Segment", || Command::GoToWorkspace(Workspace::Segment)),
    a("Ctrl+2", "Train", || Command::GoToWorkspace(Workspace::Train)),
    a("Ctrl+3", "Compare", || Command::GoToWorkspace(Workspace::Compare)),
    a("Ctrl+4", "Report", || Command::GoToWorkspace(Workspace::Report)),
    a("", "the paper's experiments", || Command::Study(Ask::Open(true))),
    a("", "run the chosen study", || Command::Study(Ask::Run)),
    a("", "pause the study or go on", || Command::Study(Ask::Pause)),
    a("", "stop the study", || Command::Study(Ask::Stop)),
    a("", "save the study's page", || Command::Study(Ask::AskSave)),
    a("Ctrl+Z", "undo", || Command::Undo),
    a("Ctrl+Shift+Z|Ctrl+Y", "redo", || Command::Redo),
    a("", "open the log", || Command::OpenLog),
    a("T", "light or dark", || Command::ToggleMode),
    a("Ctrl+P|Ctrl+Shift+P", "find a command", || Command::Palette(Some(String::new()))),
    a("?", "this sheet", || Command::ToggleSheet),
    a("", "about this program, licences", || Command::About(Wish::Toggle)),
];

/// What the pointer does.
pub const POINTER: &[(&str, &str)] = &[
    ("Wheel", "next or previous slice"),
    ("Ctrl+Wheel", "zoom at the pointer"),
    ("+|-", "zoom in or out"),
    ("Space+Drag", "move the slice (or middle drag)"),
    ("Click", "look into a patch"),
];

/// The commands of the keys pressed now. Text fields keep their keys.
pub fn commands(ctx: &Context) -> Vec<Command> {
    let typing = ctx.text_edit_focused();
    ctx.input(|input| {
        let mut commands = Vec::new();
        for event in &input.events {
            match event {
                Event::Key { key: Key::Escape, pressed: true, .. } => commands.push(Command::Back),
                Event::Key { key, pressed: true, modifiers, .. } if !typing => {
                    commands.extend(of_key(*key, *modifiers));
                }
                _ => {}
            }
        }
        commands
    })
}

fn of_key(key: Key, modifiers: Modifiers) -> Option<Command> {
    let key = if key == Key::Slash && modifiers.shift { Key::Questionmark } else { key };
    let pressed = |keys: &str| {
        let mut parts: Vec<&str> = keys.split('+').collect();
        let name = parts.pop().unwrap_or_default();
        // the question mark needs Shift on most keyboards
        let shift = parts.contains(&"Shift") == modifiers.shift || key == Key::Questionmark;
        named(name) == Some(key) && parts.contains(&"Ctrl") == modifiers.command && shift && !modifiers.alt
    };
    let action = ACTIONS.iter().find(|a| a.keys.split('|').any(pressed))?;
    Some((action.command)())
}

fn named(name: &str) -> Option<Key> {
    Some(match name {
        "→" => Key::ArrowRight,
        "←" => Key::ArrowLeft,
        "↑" => Key::ArrowUp,
        "↓" => Key::ArrowDown,
        "PgUp" => Key::PageUp,
        "PgDn" => Key::PageDown,
        "," => Key::Comma,
        "." => Key::Period,
        "?" => Key::Questionmark,
        "[" => Key::OpenBracket,
        "]" => Key::CloseBracket,
        other => Key::from_name(other)?,
    })
}
