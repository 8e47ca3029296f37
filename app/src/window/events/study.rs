//! What the state makes of the end of a study.

use crate::window::engine::Written;
use crate::window::notice::Weight;
use crate::window::state::State;
use crate::window::study::Printed;
use std::sync::Arc;

/// A study is over.
pub(super) fn over(state: &mut State, id: u64, told: Result<Option<Box<Printed>>, String>) {
    let Some(ended) = state.studies.running.take_if(|r| r.id == id) else { return };
    match told {
        Ok(Some(printed)) => state.studies.keep(ended.study, Arc::new(*printed)),
        Ok(None) => {
            let text = "The study stopped; what it trained is kept, and the same study goes on from there";
            state.notices.say(Weight::Done, text, None);
        }
        Err(why) => state.notices.error(why),
    }
}

/// A page was written, or not.
pub(super) fn written(state: &mut State, written: Written) {
    match written {
        Written::Done(folder) => {
            state.studies.saving = None;
            let text = format!("The page is in {}", folder.display());
            state.notices.say(Weight::Done, text, Some(folder.display().to_string()));
        }
        Written::Taken(file) => {
            if let Some(saving) = &mut state.studies.saving {
                saving.taken = Some(file);
            }
        }
        Written::Failed(why) => state.notices.error(why),
    }
}
