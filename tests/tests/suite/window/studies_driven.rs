//! The paper's experiments in the window with its threads at real work, on the bundled sample with a small
//! bundle.

use super::driven::{Desk, place};
use super::*;
use paser_app::window::command::Ask;
use paser_core::study::{Scale, Study};
use std::path::Path;

fn desk(folder: &Path) -> Desk {
    let mut desk = Desk::with(folder);
    desk.state.sample =
        Some(PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/sample/images.tif")));
    desk
}

#[test]
fn a_study_runs_in_the_window_and_its_page_is_written() {
    let folder = place();
    let mut desk = desk(folder.path());
    desk.state.sample =
        Some(PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/sample/images.tif")));
    desk.command(Command::Study(Ask::Scale(Scale::Trial)));
    desk.command(Command::Study(Ask::Choose(Study::WhereItLooks)));
    desk.command(Command::Study(Ask::Run));
    desk.until("progress", |s| s.studies.running.as_ref().is_some_and(|r| !r.stages.is_empty()));
    desk.command(Command::SegmentSlice);
    desk.until("a look during the study", |s| s.look.is_none());
    desk.until("the page", |s| s.studies.printed(Study::WhereItLooks).is_some());
    let printed = desk.state.studies.printed(Study::WhereItLooks).expect("a page").clone();
    assert!(printed.page.text[0].contains("8 images"), "{:?}", printed.page.text);
    assert!(printed.pictures.len() == 3 && printed.pictures.iter().all(Option::is_some));
    let out = folder.path().join("studies");
    desk.command(Command::Study(Ask::AskSave));
    desk.command(Command::Study(Ask::SaveTo(Some(out.display().to_string()))));
    desk.command(Command::Study(Ask::Save(false)));
    desk.until("the files", |s| s.studies.saving.is_none());
    let page = std::fs::read_to_string(out.join("where-it-looks.md")).expect("the page");
    assert!(page == printed.page.markdown() && out.join("where-it-looks_1.png").exists());
    std::fs::remove_file(out.join("where-it-looks_doubt.csv")).unwrap();
    desk.command(Command::Study(Ask::AskSave));
    desk.command(Command::Study(Ask::SaveTo(Some(out.display().to_string()))));
    desk.command(Command::Study(Ask::Save(false)));
    desk.until("the question", |s| s.studies.saving.as_ref().is_some_and(|s| s.taken.is_some()));
    assert!(!out.join("where-it-looks_doubt.csv").exists(), "nothing was written");
    desk.command(Command::Study(Ask::Save(true)));
    desk.until("the files anew", |s| s.studies.saving.is_none());
    assert!(out.join("where-it-looks_doubt.csv").exists());
}

#[test]
fn a_study_is_stopped_and_one_without_its_data_ends_in_a_sentence() {
    let folder = place();
    let mut desk = desk(folder.path());
    desk.state.sample =
        Some(PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/sample/images.tif")));
    desk.command(Command::Study(Ask::Choose(Study::McSamples)));
    desk.command(Command::Study(Ask::Run));
    desk.until("progress", |s| s.studies.running.as_ref().is_some_and(|r| !r.stages.is_empty()));
    desk.command(Command::Study(Ask::Stop));
    desk.until("the stop", |s| s.studies.running.is_none());
    assert!(desk.state.studies.results.is_empty() && desk.state.notices.failures().is_empty());
    desk.command(Command::Study(Ask::Choose(Study::NoisyMnist)));
    desk.command(Command::Study(Ask::Folder(folder.path().join("nothing").display().to_string())));
    desk.command(Command::Study(Ask::Run));
    desk.failure("MNIST");
    assert!(desk.state.studies.running.is_none());
}
