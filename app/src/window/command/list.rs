//! Everything that the user can ask for.

use super::{Ask, BatchCommand};
use crate::window::about;
use crate::window::canvas::view::View;
use crate::window::comparison::Column;
use crate::window::engine::Pick;
use crate::window::grey::Window;
use crate::window::import::Import;
use crate::window::memory::Memory;
use crate::window::project::Item;
use crate::window::question::Question;
use crate::window::state::{Dial, Layer, Workspace};
use crate::window::training::Field;
use paser_core::export::results::Wanted;
use paser_core::noise::Noise;
use paser_core::train::Preset;
use std::path::PathBuf;

/// An intent of the user, whether by menu, key, pointer or drop.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Open a stack.
    Open(PathBuf),
    /// Open the bundled sample and segment its first slice.
    OpenSample,
    /// Ask for a file or folder.
    Pick(Pick),
    /// Load the bundle in a folder.
    UseBundle(PathBuf),
    /// Something about the batch.
    Batch(BatchCommand),
    /// Have this written when a stack is segmented.
    SetWanted(Wanted),
    /// How much memory the open stack may take.
    SetMemory(Memory),
    /// Show a file or folder in the system's own program for it.
    Launch(PathBuf),
    /// Show the field for a path with this text, or hide it.
    PathField(Option<String>),
    /// Change how the stack is to be read anew; none: leave it as it is.
    Import(Option<Box<Import>>),
    /// Ask how the open stack is to be read.
    AskImport,
    /// Open the stack anew that way.
    Reopen,
    /// Change what is decided about the file in question; none: leave it.
    Question(Option<Box<Question>>),
    /// Ask anew which part of the open stack's file is meant.
    AskAnew,
    /// Open the file in question as decided.
    OpenChosen,
    /// Write the project to a file; none: to the one it has, or ask.
    SaveProject(Option<PathBuf>),
    /// Say where something that the project names is; none: go on without.
    Relink(Item, Option<PathBuf>),
    /// Open the project with its links as they are now.
    OpenRelinked,
    /// Leave the project that waits.
    DropProject,
    /// Go on where a program that was killed had been.
    Restore,
    /// Show the log.
    OpenLog,
    /// Show the report of a crash.
    OpenReport(PathBuf),
    /// Look at neither any more.
    CloseLog,
    /// Go back to the start.
    Close,
    /// Show slice z.
    GoTo(usize),
    /// Go on or back by so many slices.
    Step(isize),
    /// Change zoom and place.
    SetView(View),
    /// Show each pixel as one of the screen's.
    ActualSize,
    /// Change black and white point.
    SetWindow(Window),
    /// As found at opening.
    AutoWindow,
    /// Lay this over the slice.
    Show(Layer),
    /// How opaque it is.
    SetOpacity(f32),
    /// Outline patches or not.
    ToggleRouting,
    /// Divide the slice between grey and layer, or not.
    ToggleSwipe,
    /// Where the layer begins.
    SetSwipe(f32),
    /// Select a patch of the slice.
    SelectPatch(Option<usize>),
    /// Use this weight of the cost.
    SetLambda(f64),
    /// Use the next larger (1) or smaller (-1) λ of the bundle's curve.
    NudgeLambda(isize),
    /// Use the λ whose routing lies this far from that at λ = 0.
    SetTvd(f64),
    /// Budget this; λ follows.
    SetDial(Dial),
    /// Route the slice on show at the λ in force.
    Reroute,
    /// Lay this over the slice on show and compare.
    SetNoise(Noise),
    /// Keep the result on show to compare the next with.
    Hold,
    /// Forget it.
    LetGo,
    /// Two results side by side, or divided by a line.
    ToggleSplit,
    /// Show the palette with this typed, or hide it.
    Palette(Option<String>),
    /// The program's own page.
    About(about::Wish),
    /// Take the last change of routing or display back.
    Undo,
    /// Do it again.
    Redo,
    /// The user wants to close the window during work, or stays after all.
    AskClose(bool),
    /// Stop everything and close the window.
    Quit,
    /// Show the cuts XZ and YZ beside the slice, or not.
    ToggleCuts,
    /// Cut the stack through this column and row.
    SetCross([usize; 2]),
    /// Show a workspace.
    GoToWorkspace(Workspace),
    /// Change a field of the form.
    SetField(Field, String),
    /// Take over a preset's choices.
    SetPreset(Preset),
    /// Change one choice of the training, as in "beta=0.1".
    Choose(String),
    /// Train as the form asks.
    Train,
    /// Hold the training, or let it go on.
    PauseTraining,
    /// End the training: true makes a bundle of what it has.
    EndTraining(bool),
    /// Show the charts of a stage; none: the newest.
    ShowStage(Option<usize>),
    /// Compare all methods on the form's images.
    Compare,
    /// Sort the comparison.
    SortBy(Column, bool),
    /// Choose a row of the comparison, by method and λ, and show what it makes of the slice on show.
    ChooseRow(String, Option<f64>),
    /// Stop the comparison.
    StopComparing,
    /// Something about the paper's experiments.
    Study(Ask),
    /// Open a label stack as truth.
    OpenTruth(PathBuf),
    /// Change the class table of the label stack that waits, or send it away.
    TruthTable(Option<Vec<Option<u32>>>),
    /// Use it.
    UseTruth,
    /// Segment the slice on show.
    SegmentSlice,
    /// Segment all slices and write the results.
    SegmentStack,
    /// Hold the run, or let it go on.
    TogglePause,
    /// Stop the run.
    Stop,
    /// Dark to light and back.
    ToggleMode,
    /// Show the shortcuts or hide them.
    ToggleSheet,
    /// Take a notice away.
    Dismiss(u64),
    /// Put text on the clipboard.
    Copy(String),
    /// Close what is open: sheet, field, newest notice, selection.
    Back,
}
