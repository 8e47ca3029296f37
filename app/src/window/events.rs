//! What the state makes of the threads' events.

use super::command::{Ask, BatchCommand, Command, Effect, batch, handle, project, want};
use super::comparison::Comparison;
use super::engine::{Event, Look, Opened, Outcome, Pick, Routed, Seen};
use super::grey::Grey;
use super::notice::Weight;
use super::results::{Kept, Model, Summary};
use super::session::remember;
use super::stages;
use super::state::{Dial, Loading, Looked, State, Workspace};
use super::training::Field;
use super::trial::Trial;
use super::truth::{Draft, Truth};
use paser_core::data::classes::ClassMap;
use std::path::PathBuf;
use std::sync::Arc;

mod study;

/// Takes in an event.
pub fn absorb(state: &mut State, event: Event) -> Vec<Effect> {
    match event {
        Event::Device(description, note) => {
            // the first one stands on the start page and behind the device's name; later ones interrupt work
            if let (Some(note), true) = (&note, state.device.is_some()) {
                state.notices.warn(note.clone());
            }
            (state.device, state.device_note) = (Some(description), note);
            state.speed = None;
        }
        Event::Preparing(done, all) => state.preparing = Some((done, all)),
        Event::Licences(Ok(licences)) => state.about.licences = Some(Arc::from(licences)),
        Event::Licences(Err(why)) => state.notices.error(why),
        Event::Model(loaded) => return model(state, loaded),
        Event::Opened(opened) => return stack(state, opened),
        Event::Row(row, found) => return batch::found(state, row, found),
        Event::Undecided(question) => {
            (state.opening, state.resume) = (None, None);
            state.question = Some(question);
        }
        Event::Several(stacks) => return batch::several(state, stacks),
        Event::Saved(Ok(path)) => {
            let text = format!("The project is saved in {}", path.display());
            state.notices.say(Weight::Done, text, Some(path.display().to_string()));
            state.project = Some(path);
        }
        Event::Saved(Err(why)) => state.notices.error(why),
        Event::Project(Ok(relink)) => return project::read(state, *relink),
        Event::Project(Err(why)) => state.notices.error(why),
        Event::Slice(id, z, slice) => self::slice(state, id, z, slice),
        Event::Segmented(run, z, result) => segmented(state, run, z, *result),
        Event::TruthOpened(id, draft, map) => return truth(state, id, draft, map),
        Event::TruthSlice(id, z, classes) => true_slice(state, id, z, classes),
        Event::Pairs(version, pairs) => {
            if state.previewing.take_if(|v| *v == version).is_some() {
                state.pairs = Some(pairs.map(|p| *p));
            }
        }
        Event::Progress(id, progress) => {
            if let Some(training) = state.training.as_mut().filter(|t| t.id == id) {
                training.hear(progress);
            } else if let Some(study) = state.studies.running.as_mut().filter(|s| s.id == id) {
                stages::hear(&mut study.stages, &mut study.notes, progress);
            }
        }
        Event::Trained(id, outcome) => trained(state, id, outcome),
        Event::Comparing(what, done, total) => state.comparison.working = Some((what, done, total)),
        Event::Compared(Ok(comparison)) => {
            let chosen = state.comparison.chosen.take();
            state.comparison = Comparison { chosen, ..*comparison };
        }
        Event::Compared(Err(why)) => {
            let stopped = state.comparison.control.stopped();
            state.comparison.working = None;
            if !stopped {
                state.notices.error(why);
            }
        }
        Event::Studied(id, told) => study::over(state, id, told),
        Event::PageWritten(written) => study::written(state, written),
        Event::Speeds(speeds) => state.speeds = Some(speeds),
        Event::Looked(look, seen) => looked(state, &look, seen),
        Event::Finished(run, outcome) => {
            let mut effects = finished(state, run, outcome);
            // The sample may have been opened during the old run's last moments.
            effects.extend(begin_if_eager(state));
            return effects;
        }
        Event::Picked(pick, path, unseen) => return picked(state, pick, path, unseen),
    }
    Vec::new()
}

fn model(state: &mut State, loaded: Result<Box<Model>, String>) -> Vec<Effect> {
    state.preparing = None;
    match loaded {
        Ok(model) => {
            state.lambda = model.manifest.lambda;
            state.dial = Dial::Lambda;
            state.speeds = None;
            state.comparison = Comparison::recorded(&model.manifest);
            state.model = Loading::Ready(Arc::new(*model));
            let mut effects = project::resume(state);
            effects.extend(begin_if_eager(state));
            effects
        }
        Err(why) => {
            state.model = Loading::Failed;
            state.notices.error(why);
            Vec::new()
        }
    }
}

fn stack(state: &mut State, opened: Result<Box<Opened>, String>) -> Vec<Effect> {
    match opened {
        // The user has asked for another one, or closed it, meanwhile.
        Ok(opened) if state.opening.as_ref() != Some(&opened.path) => Vec::new(),
        Ok(opened) => {
            state.opening = None;
            remember(&mut state.recent, &opened.path);
            state.take_stack(*opened);
            let mut effects: Vec<Effect> = state.stack.as_ref().and_then(want).into_iter().collect();
            effects.extend(project::resume(state));
            effects.extend(begin_if_eager(state));
            effects
        }
        Err(why) => {
            state.opening = None;
            state.resume = None;
            state.notices.error(why);
            Vec::new()
        }
    }
}

fn begin_if_eager(state: &mut State) -> Vec<Effect> {
    if !state.eager || state.opening.is_some() || state.obstacle().is_some() {
        return Vec::new();
    }
    state.eager = false;
    handle(state, Command::SegmentSlice)
}

fn slice(state: &mut State, id: u64, z: usize, slice: Result<Arc<Grey>, String>) {
    let Some(stack) = state.stack.as_mut().filter(|s| s.id == id) else { return };
    match slice {
        Ok(grey) => stack.slices.put(z, grey, stack.z),
        Err(why) => {
            // one dialog for a stack that is gone, not one a slice; the viewer says it of each
            if stack.unreadable.is_empty() {
                state.notices.error(why);
            }
            stack.unreadable.insert(z);
        }
    }
}

fn trained(state: &mut State, id: u64, outcome: Result<Option<PathBuf>, String>) {
    let Some(training) = state.training.as_mut().filter(|t| t.id == id) else { return };
    training.took = Some(training.since.elapsed());
    match &outcome {
        Ok(Some(folder)) => {
            let text = format!("The bundle is in {}", folder.display());
            state.notices.say(Weight::Done, text, Some(folder.display().to_string()));
        }
        Ok(None) => {
            let text = "Training stopped; what it finished is kept, and the same training goes on from there";
            state.notices.say(Weight::Done, text, None);
        }
        // the Train workspace says it itself
        Err(_) if state.workspace == Workspace::Train => {}
        Err(why) => state.notices.error(why.clone()),
    }
    training.outcome = Some(outcome);
}

fn truth(
    state: &mut State,
    id: u64,
    draft: Result<Box<Draft>, String>,
    map: Option<ClassMap>,
) -> Vec<Effect> {
    match (draft, state.stack.as_mut().filter(|s| s.id == id)) {
        (Ok(draft), Some(stack)) => match map {
            Some(map) => {
                stack.truth = Some(Truth::new(draft.path, draft.volume, map, stack.memory.truth()));
                return super::command::want_truth(stack).into_iter().collect();
            }
            None => state.truth_draft = Some(*draft),
        },
        (Ok(_), None) => {}
        (Err(why), _) => state.notices.error(why),
    }
    Vec::new()
}

fn true_slice(state: &mut State, id: u64, z: usize, classes: Result<Arc<Vec<u8>>, String>) {
    let stack = state.stack.as_mut().filter(|s| s.id == id);
    let Some(truth) = stack.and_then(|s| s.truth.as_mut()) else { return };
    match classes {
        Ok(classes) => truth.put(z, classes),
        Err(why) => state.notices.error(why),
    }
}

fn segmented(state: &mut State, run: u64, z: usize, (kept, summary): (Kept, Summary)) {
    let Some(run) = state.run.as_mut().filter(|r| r.id == run) else { return };
    run.done += 1;
    if let Some(stack) = state.stack.as_mut().filter(|s| s.id == run.stack) {
        stack.results.put(z, kept, summary);
    }
}

fn looked(state: &mut State, look: &Look, seen: Result<Option<Box<Seen>>, String>) {
    let newest = state.look.take_if(|l| l.id == look.id).is_some();
    let seen = match seen {
        Ok(Some(seen)) => *seen,
        Ok(None) => return,
        Err(why) => return state.notices.error(why),
    };
    let Some(stack) = state.stack.as_mut().filter(|s| s.id == look.stack) else { return };
    state.looked = Some(Looked { seconds: seen.routed.seconds, computed: seen.routed.computed });
    stack.results.put(look.z, seen.routed.kept, seen.routed.summary);
    if newest && stack.z == look.z {
        stack.audit = seen.audit;
    }
    if let (Some(noisy), true) = (seen.noisy, state.noise == look.noise) {
        let Routed { kept, summary, grey, .. } = noisy;
        let (title, kept) = (look.noise.to_string(), Arc::new(kept));
        stack.trial = Some(Trial { title, z: look.z, kept, summary, grey, version: look.id });
    }
}

fn finished(state: &mut State, run: u64, outcome: Outcome) -> Vec<Effect> {
    let Some(ended) = state.run.take_if(|r| r.id == run) else { return Vec::new() };
    if ended.done > 1 {
        state.speed = ended.rate();
    }
    if let Some(effects) = batch::finished(state, &ended, &outcome) {
        return effects;
    }
    match outcome {
        Outcome::Done(None) => {}
        Outcome::Done(Some(saved)) => {
            if let Some(note) = &saved.note {
                state.notices.warn(note.clone());
            }
            let folder = saved.folder.display().to_string();
            let text = format!("Saved {} labelled slices in {folder}", ended.total);
            state.notices.say(Weight::Done, text, Some(folder));
            state.keep(&saved);
        }
        Outcome::Stopped if ended.total > 1 => state.notices.say(
            Weight::Done,
            format!(
                "Stopped after {} of {} slices: those stay on show, no file was written",
                ended.done, ended.total
            ),
            None,
        ),
        Outcome::Stopped => {}
        Outcome::Failed(why) => state.notices.error(why),
    }
    Vec::new()
}

fn picked(state: &mut State, pick: Pick, paths: Vec<PathBuf>, unseen: bool) -> Vec<Effect> {
    match (paths.first().cloned(), pick) {
        (Some(_), Pick::Stacks | Pick::StackFolders) => {
            handle(state, Command::Batch(BatchCommand::Add(paths)))
        }
        (Some(path), Pick::SaveProject) => handle(state, Command::SaveProject(Some(path))),
        (Some(path), Pick::Relink(item)) => handle(state, Command::Relink(item, Some(path))),
        (Some(path), Pick::Bundle) => handle(state, Command::UseBundle(path)),
        (Some(path), Pick::Images) => {
            handle(state, Command::SetField(Field::Images, path.display().to_string()))
        }
        (Some(path), Pick::Labels) => {
            handle(state, Command::SetField(Field::Labels, path.display().to_string()))
        }
        (Some(path), Pick::StudyData) => {
            handle(state, Command::Study(Ask::Folder(path.display().to_string())))
        }
        (Some(path), Pick::StudyOut) => {
            handle(state, Command::Study(Ask::SaveTo(Some(path.display().to_string()))))
        }
        (Some(path), Pick::Truth | Pick::TruthFolder) => handle(state, Command::OpenTruth(path)),
        (Some(path), Pick::File | Pick::Folder | Pick::Project) => handle(state, Command::Open(path)),
        (None, Pick::SaveProject) if unseen => match project::beside(state) {
            Some(path) => handle(state, Command::SaveProject(Some(path))),
            None => Vec::new(),
        },
        (None, pick) if unseen => {
            state.notices.warn(
                "this desktop offers no file dialog (xdg-desktop-portal is missing); type or paste the path instead, or drop the file on the window",
            );
            if matches!(pick, Pick::File | Pick::Folder | Pick::Stacks | Pick::StackFolders) {
                state.path_field = Some(String::new());
            }
            Vec::new()
        }
        (None, _) => Vec::new(),
    }
}
