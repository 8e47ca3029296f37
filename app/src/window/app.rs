//! The program behind the window: events into the state, commands out of the panes.

use super::arrival::Arrival;
use super::bench::Drive;
use super::canvas::Canvas;
use super::command::{Command, Effect, handle};
use super::engine::{Engine, Job, Read};
use super::events::absorb;
use super::panels::{self, Pane};
use super::project::Project;
use super::recovery::Recovery;
use super::session::Session;
use super::state::{Loading, State};
use super::theme;
use super::training::Training;
use super::{keys, text};
use crate::logs;

use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How often a run's figures are drawn anew.
const TICK: Duration = Duration::from_millis(250);
/// How often what a restart needs is kept, at most.
const KEEPING: Duration = Duration::from_secs(2);
/// Name under which the window is remembered.
const SESSION: &str = "session";

/// State, textures and threads.
pub struct Studio {
    /// What is shown.
    pub state: State,
    engine: Option<Engine>,
    canvas: Canvas,
    title: String,
    /// Whether the user has decided to close.
    leaving: bool,
    recovery: Option<Recovery>,
    /// Drives the window, for `paser bench ui`.
    pub(super) drive: Option<Drive>,
    /// Tells how far the window has come, for `paser bench start`.
    pub(super) arrival: Option<Arrival>,
    /// When something was kept last.
    kept: Instant,
}

impl Studio {
    /// Shows `state` without threads behind it: for pictures and tests.
    pub fn of(ctx: &egui::Context, state: State) -> Self {
        theme::install(ctx);
        ctx.set_theme(state.mode.egui());
        Self {
            state,
            engine: None,
            canvas: Canvas::default(),
            title: String::new(),
            leaving: false,
            recovery: None,
            drive: None,
            arrival: None,
            kept: Instant::now(),
        }
    }

    /// Shows `state` with `engine` at work.
    pub(super) fn with(ctx: &egui::Context, state: State, engine: Engine) -> Self {
        Self { engine: Some(engine), ..Self::of(ctx, state) }
    }

    /// Keeps in `folder` what a restart needs; what a program that was killed left there is offered.
    pub(super) fn keep_in(&mut self, folder: &std::path::Path) {
        if let Some((recovery, left)) = Recovery::begin(folder) {
            (self.recovery, self.state.recovered) = (Some(recovery), left);
        }
    }

    /// Keeps what a restart needs, now and then; also where nothing moves any more after the last change.
    fn keep(&mut self, ctx: &egui::Context) {
        let waited = self.kept.elapsed();
        let due = waited >= KEEPING && self.state.recovered.is_none();
        if waited < KEEPING {
            ctx.request_repaint_after(KEEPING - waited);
        }
        let (Some(recovery), Some(engine), true) = (&mut self.recovery, &self.engine, due) else { return };
        self.kept = Instant::now();
        if let Some((path, text)) = recovery.changed(&Project::of(&self.state)) {
            logs::keep_for_panics(path.clone(), text.clone());
            engine.read(Read::Keep(path, text));
        }
    }

    /// Asks for the bundle and, where one was named, a stack.
    pub(super) fn begin(&mut self, ctx: &egui::Context, bundle: PathBuf, stack: Option<PathBuf>) {
        self.state.bundle = Some(bundle.clone());
        self.perform(ctx, vec![Effect::Compute(Job::Load(bundle))]);
        if let Some(path) = stack {
            self.command(ctx, Command::Open(path));
        }
    }

    /// Takes in what the threads have to say.
    pub fn take_events(&mut self, ctx: &egui::Context) {
        while let Some(event) = self.engine.as_mut().and_then(Engine::event) {
            let effects = absorb(&mut self.state, event);
            self.perform(ctx, effects);
        }
        let live = self.engine.as_ref().and_then(Engine::live);
        if let (Some(run), Some(live)) = (&mut self.state.run, live)
            && run.id == live.run
        {
            run.live = Some(live);
        }
        self.state.notices.expire(Instant::now());
        let training = self.state.training.as_ref().is_some_and(Training::runs);
        if self.state.run.is_some()
            || self.state.look.is_some()
            || training
            || self.state.studies.running.is_some()
            || self.engine.as_ref().is_some_and(Engine::asking)
        {
            ctx.request_repaint_after(TICK);
        } else if !self.state.notices.shown().is_empty() {
            ctx.request_repaint_after(4 * TICK);
        }
    }

    /// Asks before work in progress is lost.
    fn guard_closing(&mut self, ctx: &egui::Context) {
        let asked = ctx.input(|i| i.viewport().close_requested());
        if asked && !self.leaving && self.state.busy().is_some() {
            ctx.send_viewport_cmd(egui::ViewportCommand::CancelClose);
            self.state.closing = true;
        }
    }

    /// Draws everything and carries out what the user asked for.
    pub fn draw(&mut self, ui: &mut egui::Ui) {
        let ctx = ui.ctx().clone();
        let mut commands = keys::commands(&ctx);
        commands.extend(dropped(&ctx));
        let mut pane = Pane { state: &self.state, canvas: &mut self.canvas, commands: &mut commands };
        panels::show(ui, &mut pane);
        let asked = !commands.is_empty();
        for command in commands {
            self.command(&ctx, command);
        }
        if asked {
            ctx.request_repaint();
        }
        if ctx.theme() != self.state.mode.egui() {
            ctx.set_theme(self.state.mode.egui());
        }
        self.name_window(&ctx);
    }

    pub(super) fn command(&mut self, ctx: &egui::Context, command: Command) {
        let effects = handle(&mut self.state, command);
        self.perform(ctx, effects);
    }

    fn perform(&mut self, ctx: &egui::Context, effects: Vec<Effect>) {
        for effect in effects {
            match (effect, &mut self.engine) {
                (Effect::Copy(text), _) => ctx.copy_text(text),
                (Effect::Quit, _) => {
                    self.leaving = true;
                    ctx.send_viewport_cmd(egui::ViewportCommand::Close);
                }
                (Effect::Read(read), Some(engine)) => engine.read(read),
                (Effect::Pick(pick), Some(engine)) => engine.pick(pick),
                (Effect::Compute(job), Some(engine)) => {
                    if !engine.compute(job) {
                        self.state.run = None;
                        self.state.model = Loading::Failed;
                        self.state.notices.error("the compute thread has ended; restart the program");
                    }
                }
                (_, None) => {}
            }
        }
    }

    fn name_window(&mut self, ctx: &egui::Context) {
        let stack = self.state.stack.as_ref().map(|s| format!("{} – ", text::name(&s.path)));
        let title = format!("{}PaSeR Studio", stack.unwrap_or_default());
        if title != self.title {
            ctx.send_viewport_cmd(egui::ViewportCommand::Title(title.clone()));
            self.title = title;
        }
    }
}

/// Stacks and folders that were dropped on the window; the last one counts.
fn dropped(ctx: &egui::Context) -> Option<Command> {
    ctx.input(|i| i.raw.dropped_files.last().map(|file| Command::Open(file.path().to_owned())))
}

impl eframe::App for Studio {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        self.take_events(ctx);
        self.drive(ctx);
        self.arrive(ctx);
        self.keep(ctx);
        self.guard_closing(ctx);
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        self.draw(ui);
    }

    fn save(&mut self, storage: &mut dyn eframe::Storage) {
        storage.set_string(SESSION, Session::of(&self.state).write());
    }

    fn on_exit(&mut self) {
        // an offer that nobody has answered is made again
        if let (Some(recovery), None) = (&self.recovery, &self.state.recovered) {
            recovery.end();
        }
    }

    fn persist_egui_memory(&self) -> bool {
        false
    }
}

/// The window as it was left.
pub(super) fn remembered(storage: Option<&dyn eframe::Storage>) -> Option<Session> {
    storage.and_then(|s| s.get_string(SESSION)).as_deref().and_then(Session::read)
}
