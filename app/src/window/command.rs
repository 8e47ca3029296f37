//! What the user can ask for, and the one place that changes the state for it.

pub(super) mod project;
mod truth;
mod work;

pub(super) use truth::want as want_truth;

use super::canvas::view::View;
use super::comparison::{Column, Row};
use super::engine::{Job, Look, Pick, Read, Segment};
use super::grey::Window;
use super::history::{self, Settings};
use super::import::Import;
use super::log;
use super::overview::Overview;
use super::project::{ENDING, Item};
use super::promise;
use super::state::{Dial, Layer, Loading, Pending, Run, Stack, State, Workspace};
use super::training::Field;
use super::trial::Trial;
use paser_core::event::Control;
use paser_core::noise::Noise;
use paser_core::route::{Method, PatchRoute};
use paser_core::train::Preset;
use paser_core::volume;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

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
    /// Show the field for a path with this text, or hide it.
    PathField(Option<String>),
    /// Change how the stack is to be read anew; none: leave it as it is.
    Import(Option<Box<Import>>),
    /// Ask how the open stack is to be read.
    AskImport,
    /// Open the stack anew that way.
    Reopen,
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

/// What must happen outside the state.
#[derive(Debug)]
pub enum Effect {
    /// For the compute thread.
    Compute(Job),
    /// For the reader thread.
    Read(Read),
    /// Show a dialog.
    Pick(Pick),
    /// Put text on the clipboard.
    Copy(String),
    /// Close the window.
    Quit,
}

/// Carries out `command`; what it changes of routing and display can be undone.
pub fn handle(state: &mut State, command: Command) -> Vec<Effect> {
    let replaces = matches!(
        command,
        Command::Undo | Command::Redo | Command::UseBundle(_) | Command::Open(_) | Command::OpenSample
    );
    let (kind, before) = (history::kind(&command), Settings::of(state));
    let effects = carry_out(state, command);
    if !replaces && Settings::of(state) != before {
        state.history.note(kind, before);
    }
    effects
}

fn carry_out(state: &mut State, command: Command) -> Vec<Effect> {
    match command {
        Command::Open(path) => return open(state, path, false),
        Command::OpenSample => {
            return state.sample.clone().map(|path| open(state, path, true)).unwrap_or_default();
        }
        Command::Pick(pick) => return vec![Effect::Pick(pick)],
        Command::Import(import) => state.import = import,
        Command::AskImport => state.import = state.stack.as_ref().map(|s| Box::new(Import::of(s))),
        Command::Reopen => return project::reopen(state),
        Command::SaveProject(path) => return project::save(state, path),
        Command::Relink(item, path) => project::relink(state, item, path),
        Command::OpenRelinked => return project::open(state),
        Command::DropProject => (state.relink, state.recovered) = (None, None),
        Command::Restore => {
            if let Some(project) = state.recovered.take().and_then(|left| left.project) {
                return project::take_up(state, project);
            }
        }
        Command::OpenLog => log::open(state),
        Command::OpenReport(path) => log::open_report(state, path),
        Command::CloseLog => state.log = None,
        Command::UseBundle(folder) => return use_bundle(state, folder),
        Command::Copy(text) => return vec![Effect::Copy(text)],
        Command::SegmentSlice => return segment_slice(state),
        Command::SegmentStack => return segment_stack(state),
        Command::GoTo(z) => return go_to(state, |_| z),
        Command::Step(by) => return go_to(state, |z| z.saturating_add_signed(by)),
        Command::PathField(text) => state.path_field = text,
        Command::Close => close(state),
        Command::Show(layer) => state.overlay.layer = layer,
        Command::SetOpacity(opacity) => state.overlay.opacity = opacity.clamp(0.0, 1.0),
        Command::ToggleRouting => state.overlay.routing = !state.overlay.routing,
        Command::ToggleSwipe => {
            state.overlay.swipe = if state.overlay.swipe.is_some() { None } else { Some(0.5) };
        }
        Command::SetSwipe(at) => state.overlay.swipe = Some(at.clamp(0.0, 1.0)),
        Command::SetLambda(lambda) => {
            state.dial = Dial::Lambda;
            return set_lambda(state, Some(lambda));
        }
        Command::NudgeLambda(by) => {
            state.dial = Dial::Lambda;
            let lambda = state.model().and_then(|m| promise::next(&m.manifest, state.lambda, by > 0));
            return set_lambda(state, lambda);
        }
        Command::SetTvd(tvd) => {
            state.dial = Dial::Lambda;
            let lambda = state.model().and_then(|m| promise::for_tvd(&m.manifest, tvd));
            return set_lambda(state, lambda);
        }
        Command::SetDial(dial) => {
            state.dial = dial;
            let lambda = budgeted(state, dial);
            return set_lambda(state, lambda);
        }
        Command::Palette(query) => state.palette = query,
        Command::Undo | Command::Redo => {
            if history::step(state, command == Command::Redo) {
                return look(state, state.lambda);
            }
        }
        Command::AskClose(asks) => state.closing = asks,
        Command::Quit => {
            stop(state);
            work::end(state, false);
            return vec![Effect::Quit];
        }
        Command::ToggleCuts => return toggle_cuts(state),
        Command::SetCross([x, y]) => {
            if let Some(stack) = &mut state.stack {
                let [height, width] = stack.size();
                stack.cross = [x.min(width.saturating_sub(1)), y.min(height.saturating_sub(1))];
            }
        }
        Command::GoToWorkspace(workspace) => state.workspace = workspace,
        Command::SetField(field, text) => return work::set_field(state, field, text),
        Command::SetPreset(preset) => work::set_preset(state, preset),
        Command::Choose(choice) => return work::choose(state, &choice),
        Command::Train => return work::train(state),
        Command::PauseTraining => work::toggle_pause(state),
        Command::EndTraining(keep) => work::end(state, keep),
        Command::ShowStage(stage) => {
            if let Some(training) = &mut state.training {
                training.shown = stage;
            }
        }
        Command::Compare => return work::compare(state),
        Command::SortBy(column, falling) => state.comparison.sort = (column, falling),
        Command::ChooseRow(method, lambda) => return choose_row(state, method, lambda),
        Command::StopComparing => work::stop_comparing(state),
        Command::SetNoise(noise) => return set_noise(state, noise),
        Command::Hold => hold(state),
        Command::LetGo => {
            state.noise = Noise::None;
            if let Some(stack) = &mut state.stack {
                stack.trial = None;
            }
        }
        Command::ToggleSplit => state.overlay.split = !state.overlay.split,
        Command::OpenTruth(path) => return truth::open(state, path),
        Command::TruthTable(table) => truth::set_table(state, table),
        Command::UseTruth => return truth::accept(state),
        Command::Reroute => {
            (state.method, state.router) = (Method::Paser, None);
            return look(state, state.lambda);
        }
        Command::SelectPatch(patch) => return select(state, patch),
        Command::TogglePause => toggle_pause(state),
        Command::Stop => stop(state),
        Command::ToggleMode => state.mode = state.mode.other(),
        Command::ToggleSheet => state.sheet = !state.sheet,
        Command::Dismiss(id) => state.notices.dismiss(id),
        Command::Back => back(state),
        Command::SetView(_) | Command::ActualSize | Command::SetWindow(_) | Command::AutoWindow => {
            if let Some(stack) = &mut state.stack {
                view(stack, &command);
            }
        }
    }
    Vec::new()
}

/// Commands that change only how the stack is looked at.
fn view(stack: &mut Stack, command: &Command) {
    let [height, width] = stack.size();
    match command {
        Command::SetView(view) => stack.view = *view,
        Command::ActualSize => {
            let middle = [width as f32 / 2.0, height as f32 / 2.0];
            let centre = if let View::Free { centre, .. } = stack.view { centre } else { middle };
            stack.view = View::Free { zoom: 1.0, centre };
        }
        Command::SetWindow(window) if window.low < window.high => stack.window = *window,
        Command::AutoWindow => stack.window = stack.auto_window,
        _ => {}
    }
}

fn open(state: &mut State, path: PathBuf, eager: bool) -> Vec<Effect> {
    if path.extension().is_some_and(|e| e == ENDING) {
        return vec![Effect::Read(Read::Project(path))];
    }
    open_as(state, path, volume::View::default(), eager)
}

fn open_as(state: &mut State, path: PathBuf, how: volume::View, eager: bool) -> Vec<Effect> {
    stop(state);
    (state.recovered, state.import) = (None, None);
    state.workspace = Workspace::Segment;
    (state.method, state.router) = (Method::Paser, None);
    state.opening = Some(path.clone());
    state.path_field = None;
    state.eager = eager;
    vec![Effect::Read(Read::Open(path, how))]
}

fn use_bundle(state: &mut State, folder: PathBuf) -> Vec<Effect> {
    if let Some(why) = state.busy() {
        state.notices.warn(why);
        return Vec::new();
    }
    state.model = Loading::Waiting;
    state.bundle = Some(folder.clone());
    vec![Effect::Compute(Job::Load(folder))]
}

fn close(state: &mut State) {
    stop(state);
    state.stack = None;
    state.opening = None;
}

/// Shows the slice that `place` makes of the present one.
fn go_to(state: &mut State, place: impl Fn(usize) -> usize) -> Vec<Effect> {
    let Some(stack) = &mut state.stack else { return Vec::new() };
    let z = place(stack.z).min(stack.info.slices.saturating_sub(1));
    if z != stack.z {
        stack.z = z;
        stack.selected = None;
        stack.audit = None;
        state.noise = Noise::None;
    }
    want(stack).into_iter().chain(truth::want(stack)).collect()
}

/// What has to be read so that the slice on show, and then its neighbours, are in memory.
pub fn want(stack: &Stack) -> Option<Effect> {
    let missing =
        |z: &usize| *z < stack.info.slices && stack.slices.get(*z).is_none() && !stack.unreadable.contains(z);
    let mut wanted = [Some(stack.z), stack.z.checked_add(1), stack.z.checked_sub(1)]
        .into_iter()
        .flatten()
        .filter(missing)
        .collect::<Vec<_>>()
        .into_iter();
    let z = wanted.next()?;
    Some(Effect::Read(Read::Slice {
        stack: stack.id,
        volume: stack.volume.clone(),
        z,
        ahead: wanted.collect(),
    }))
}

/// Sets λ; a slice on show that is segmented follows at once.
fn set_lambda(state: &mut State, lambda: Option<f64>) -> Vec<Effect> {
    let Some(lambda) = lambda.filter(|l| *l != state.lambda && (0.0..=1.0).contains(l)) else {
        return Vec::new();
    };
    state.lambda = lambda;
    (state.method, state.router) = (Method::Paser, None);
    look(state, lambda)
}

/// Chooses a row of the comparison; a slice on show that is segmented is routed that way.
fn choose_row(state: &mut State, method: String, lambda: Option<f64>) -> Vec<Effect> {
    state.comparison.chosen = Some((method, lambda));
    let Some(method) = state.comparison.row().and_then(Row::shown) else { return Vec::new() };
    state.method = method;
    state.lambda = lambda.unwrap_or(state.lambda);
    state.router = state.model().and_then(|m| state.comparison.row()?.router(&m.manifest));
    look_anew(state, state.lambda)
}

/// The λ that a budget asks for.
fn budgeted(state: &State, dial: Dial) -> Option<f64> {
    let model = state.model()?;
    let size = state.stack.as_ref().map_or(model.manifest.layout.tile, Stack::size);
    match dial {
        Dial::Lambda => None,
        Dial::Iou(iou) => promise::for_iou(&model.manifest, iou),
        Dial::Flops(most) => promise::for_cost(&model.manifest, most, |p| model.flops(&p.shares, size)),
        Dial::Seconds(most) => {
            let speeds = state.speeds.as_ref()?;
            promise::for_cost(&model.manifest, most, |p| model.seconds(speeds, &p.shares, size))
        }
    }
}

/// Asks for the slice on show at `lambda`, with its selected patch looked into; one look at a time, the
/// newest.
fn look(state: &mut State, lambda: f64) -> Vec<Effect> {
    match &state.stack {
        Some(stack) if stack.kept().is_some() => look_anew(state, lambda),
        _ => Vec::new(),
    }
}

/// The same where the slice was not segmented yet. Longer work makes room for it.
fn look_anew(state: &mut State, lambda: f64) -> Vec<Effect> {
    if state.model().is_none() {
        return Vec::new();
    }
    let id = state.count();
    let Some(stack) = &state.stack else { return Vec::new() };
    let control = Control::default();
    let patch = stack.selected.and_then(|i| stack.kept()?.routes.get(i)).map(PatchRoute::pixel);
    let look = Look {
        id,
        stack: stack.id,
        volume: stack.volume.clone(),
        z: stack.z,
        lambda,
        method: state.method,
        router: state.router,
        patch,
        noise: state.noise,
        control: control.clone(),
    };
    if let Some(old) = state.look.replace(Pending { id, control }) {
        old.control.stop();
    }
    vec![Effect::Compute(Job::Look(Box::new(look)))]
}

fn toggle_cuts(state: &mut State) -> Vec<Effect> {
    let Some(stack) = &mut state.stack else { return Vec::new() };
    if stack.overview.take().is_some() {
        return Vec::new();
    }
    let overview = Arc::new(Overview::new(&stack.info, stack.ends));
    stack.overview = Some(overview.clone());
    vec![Effect::Read(Read::Overview { overview: Arc::downgrade(&overview), volume: stack.volume.clone() })]
}

fn set_noise(state: &mut State, noise: Noise) -> Vec<Effect> {
    if state.noise == noise {
        return Vec::new();
    }
    state.noise = noise;
    let Some(stack) = &mut state.stack else { return Vec::new() };
    if noise == Noise::None {
        stack.trial = None;
        return Vec::new();
    }
    let lambda = stack.summary().map_or(state.lambda, |s| s.lambda);
    look(state, lambda)
}

fn hold(state: &mut State) {
    let version = state.count();
    let Some(stack) = &mut state.stack else { return };
    let (Some(kept), Some(summary)) = (stack.kept().cloned(), stack.summary().cloned()) else { return };
    let title = format!("held: {}", summary.title());
    stack.trial = Some(Trial { title, z: stack.z, kept, summary, grey: None, version });
}

fn select(state: &mut State, patch: Option<usize>) -> Vec<Effect> {
    let Some(stack) = &mut state.stack else { return Vec::new() };
    if stack.selected == patch {
        return Vec::new();
    }
    stack.selected = patch;
    stack.audit = None;
    // the patch is explained at the λ that the slice was routed at
    let lambda = stack.summary().map(|s| s.lambda).filter(|_| patch.is_some());
    lambda.map(|lambda| look(state, lambda)).unwrap_or_default()
}

fn segment_slice(state: &mut State) -> Vec<Effect> {
    let Some(z) = state.stack.as_ref().map(|s| s.z) else { return Vec::new() };
    if state.busy().is_some() && state.slice_obstacle().is_none() {
        (state.method, state.router) = (Method::Paser, None);
        return look_anew(state, state.lambda);
    }
    begin(state, z..z + 1, false)
}

fn segment_stack(state: &mut State) -> Vec<Effect> {
    let Some(slices) = state.stack.as_ref().map(|s| s.info.slices) else { return Vec::new() };
    begin(state, 0..slices, true)
}

fn begin(state: &mut State, slices: std::ops::Range<usize>, write: bool) -> Vec<Effect> {
    if let Some(why) = state.obstacle() {
        state.notices.warn(why);
        return Vec::new();
    }
    let run = state.count();
    if let Some(look) = state.look.take() {
        look.control.stop();
    }
    let Some(stack) = &state.stack else { return Vec::new() };
    let control = Control::default();
    let job = Segment {
        run,
        stack: stack.id,
        volume: stack.volume.clone(),
        slices: slices.clone(),
        lambda: state.lambda,
        view: stack.how.clone(),
        beside: write.then(|| stack.path.clone()),
        control: control.clone(),
    };
    state.run = Some(Run {
        id: run,
        stack: stack.id,
        control,
        total: slices.len(),
        done: 0,
        live: None,
        paused: Duration::ZERO,
        paused_since: None,
        stopping: false,
    });
    vec![Effect::Compute(Job::Segment(Box::new(job)))]
}

fn toggle_pause(state: &mut State) {
    let Some(run) = &mut state.run else { return };
    match run.paused_since.take() {
        Some(since) => run.paused += since.elapsed(),
        None => run.paused_since = Some(Instant::now()),
    }
    run.control.set_paused(run.paused_since.is_some());
}

fn stop(state: &mut State) {
    if let Some(run) = &mut state.run {
        run.control.stop();
        run.stopping = true;
    }
}

fn back(state: &mut State) {
    if state.notices.dismiss_failure()
        || state.log.take().is_some()
        || state.import.take().is_some()
        || state.relink.take().is_some()
        || std::mem::take(&mut state.closing)
        || state.palette.take().is_some()
        || state.truth_draft.take().is_some()
        || std::mem::take(&mut state.sheet)
        || state.path_field.take().is_some()
    {
        return;
    }
    if state.notices.dismiss_last() {
        return;
    }
    if let Some(stack) = &mut state.stack {
        stack.selected = None;
        stack.audit = None;
    }
}
