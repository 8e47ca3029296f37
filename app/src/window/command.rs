//! What the user can ask for, and the one place that changes the state for it.

pub(super) mod batch;
mod list;
mod looks;
mod opening;
pub(super) mod project;
mod runs;
mod study;
mod truth;
mod work;

pub use batch::BatchCommand;
pub use list::Command;
pub use opening::want;
pub use study::Ask;
pub(super) use truth::want as want_truth;

use looks::{budgeted, choose_row, hold, look, select, set_lambda, set_noise};
use opening::{ask_anew, close, go_to, open, open_as, open_chosen, toggle_cuts, use_bundle};
use runs::{segment_slice, segment_stack, stop, toggle_pause};

use super::about;
use super::canvas::view::View;
use super::engine::{Job, Pick, Read};
use super::history::{self, Settings};
use super::import::Import;
use super::log;
use super::promise;
use super::state::{Dial, Stack, State};
use paser_core::noise::Noise;
use paser_core::route::Method;
use std::path::PathBuf;

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
    /// Show a file or folder in the system's own program for it.
    Launch(PathBuf),
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
        Command::Question(question) => state.question = question,
        Command::AskAnew => ask_anew(state),
        Command::OpenChosen => return open_chosen(state),
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
        Command::Batch(command) => return batch::carry_out(state, command),
        Command::SetWanted(wanted) => state.wanted = wanted,
        Command::SetMemory(memory) => return opening::set_memory(state, memory),
        Command::Launch(path) => return vec![Effect::Launch(path)],
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
        Command::About(wish) => return about::handle(state, wish),
        Command::Undo | Command::Redo => {
            if history::step(state, command == Command::Redo) {
                return look(state, state.lambda);
            }
        }
        Command::AskClose(asks) => state.closing = asks,
        Command::Quit => {
            state.batch.settings = None;
            stop(state);
            work::end(state, false);
            study::stop(state);
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
        Command::Study(ask) => return study::handle(state, ask),
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

fn back(state: &mut State) {
    if state.notices.dismiss_failure()
        || state.log.take().is_some()
        || state.import.take().is_some()
        || state.question.take().is_some()
        || state.relink.take().is_some()
        || std::mem::take(&mut state.closing)
        || state.studies.saving.take().is_some()
        || state.studies.enlarged.take().is_some()
        || state.palette.take().is_some()
        || state.truth_draft.take().is_some()
        || std::mem::take(&mut state.sheet)
        || std::mem::take(&mut state.about.open)
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
