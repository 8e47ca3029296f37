//! What a file leaves open: the cards that ask, and that files open as was decided.

use super::driven::{Desk, place};
use super::*;
use paser_app::window::engine::Read;
use paser_app::window::question::{Question, RawForm};
use paser_core::volume::{DatasetInfo, Offer, Opening, Part, Parts};

fn one(name: &str, shape: &[u64], dtype: &str, channels: u64) -> (DatasetInfo, Parts) {
    let info = DatasetInfo { name: name.to_owned(), shape: shape.to_vec(), dtype: dtype.to_owned() };
    (info, Parts { channels, times: 1 })
}

fn datasets(mode: Mode) -> State {
    let all = vec![
        one("entry/data/raw", &[400, 512, 512], "u16", 1),
        one("entry/data/segmentation", &[400, 512, 512], "u8", 1),
        one("exchange/phases", &[400, 512, 512, 3], "f32", 3),
    ];
    let why = "cannot use /data/scan.h5: it holds several volumes; choose one".to_owned();
    let path = PathBuf::from("/data/scan.h5");
    let question = Question::of(path, Offer::Volumes(all), &Opening::default(), Some(why));
    asked(mode, question)
}

fn raw(mode: Mode) -> State {
    let path = PathBuf::from("/data/anode_512x448x40.raw");
    let bytes = (SLICES * SIZE[0] * SIZE[1] * 2) as u64;
    let question = Question::of(path, Offer::Raw(bytes), &Opening::default(), None);
    asked(mode, question)
}

fn asked(mode: Mode, question: Question) -> State {
    let mut state = segmented(mode);
    absorb(&mut state, Told::Undecided(Box::new(question)));
    state
}

#[test]
fn pictures_of_the_questions() {
    let scenes = [
        ("card_dataset_dark".to_owned(), datasets(Mode::Dark)),
        ("card_raw_light".to_owned(), raw(Mode::Light)),
    ];
    pictures(scenes, [1280.0, 720.0]);
}

#[test]
fn a_data_set_and_its_channel_are_chosen_by_name() {
    let mut harness = harness(datasets(Mode::Light));
    harness.get_by_label("exchange/phases").click();
    harness.run_steps(3);
    assert_eq!(harness.query_all_by_label("of 3").count(), 1, "its channels are counted");
    let state = &mut harness.state_mut().state;
    let mut question = state.question.clone().expect("the card");
    assert_eq!(question.volume, 2);
    question.part.channel = 2;
    handle(state, Command::Question(Some(question)));
    let effects = handle(state, Command::OpenChosen);
    let [Effect::Read(Read::Open(_, how))] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(how.dataset.as_deref(), Some("exchange/phases"));
    assert_eq!(how.part, Some(Part { channel: 2, time: 1 }));
    assert!(state.question.is_none());
}

#[test]
fn a_raw_file_is_described_until_its_length_fits() {
    let mut harness = harness(raw(Mode::Dark));
    assert_eq!(
        harness.query_all_by_label("These make the file's length.").count(),
        1,
        "its name says its size"
    );
    let state = &mut harness.state_mut().state;
    let question = state.question.clone().expect("the card");
    let form = RawForm { header: "100".to_owned(), ..question.raw.clone() };
    handle(state, Command::Question(Some(Box::new(Question { raw: form, ..*question }))));
    harness.run_steps(3);
    assert_eq!(harness.query_all_by_label("The file is 100 bytes too short for these.").count(), 1);
    harness.get_by_label("40 slices of 512 × 448, 16-bit").click();
    harness.run_steps(3);
    harness.get_by_label("Byte order most first").click();
    harness.run_steps(3);
    let effects = handle(&mut harness.state_mut().state, Command::OpenChosen);
    let [Effect::Read(Read::Open(_, how))] = effects.as_slice() else { panic!("{effects:?}") };
    let spec = how.raw.as_ref().expect("raw");
    assert_eq!(
        (spec.shape, spec.dtype.as_str(), spec.big_endian, spec.header),
        ([40, 448, 512], "u16", true, 0)
    );
}

#[test]
fn files_open_as_was_decided() {
    let folder = place();
    let at = |name: &str| folder.path().join(name);
    let values: Vec<u8> =
        (0..3 * 24 * 32_u32).flat_map(|i| ((i * 7 % 60_000) as u16).to_be_bytes()).collect();
    std::fs::write(at("scan_32x24x3.raw"), [vec![0; 64], values].concat()).unwrap();
    let several = include_bytes!("../../../../core/src/volume/hdf5_samples/several.h5");
    std::fs::write(at("several.h5"), several).unwrap();
    let mut desk = Desk::with(folder.path());
    desk.command(Command::Open(at("scan_32x24x3.raw")));
    desk.until("a question", |s| s.question.is_some());
    let question = desk.state.question.clone().unwrap();
    let raw = RawForm { big_endian: true, ..question.raw.clone() };
    desk.command(Command::Question(Some(Box::new(Question { raw, ..*question }))));
    desk.command(Command::OpenChosen);
    desk.until("the raw stack", |s| s.stack.as_ref().is_some_and(|s| s.info.slices == 3));
    assert_eq!(desk.state.stack.as_ref().unwrap().volume.read(0).unwrap().values[1], 7.0);
    desk.command(Command::SegmentStack);
    desk.until("its run", |s| s.run.is_none() && !s.exports.is_empty());
    let run = std::fs::read(desk.state.exports[0].join("run.json")).expect("evidence");
    let run: serde_json::Value = serde_json::from_slice(&run).expect("JSON");
    assert_eq!(run["run"]["opened"]["raw"]["header"], 64, "the evidence says how the file was read");
    desk.command(Command::Open(at("several.h5")));
    desk.until("a question", |s| s.question.is_some());
    let Offer::Volumes(all) = &desk.state.question.as_ref().unwrap().offer else { panic!("volumes") };
    assert!(all.len() > 1 && desk.state.notices.failures().is_empty());
    let wanted = all.iter().position(|(d, _)| d.name == "b/labels").expect("b/labels");
    let question = desk.state.question.clone().unwrap();
    desk.command(Command::Question(Some(Box::new(Question { volume: wanted, ..*question }))));
    desk.command(Command::OpenChosen);
    desk.until("the data set", |s| s.stack.as_ref().is_some_and(|s| s.how.dataset.is_some()));
    desk.command(Command::AskAnew);
    assert!(desk.state.question.is_some(), "another one can be chosen later");
}
