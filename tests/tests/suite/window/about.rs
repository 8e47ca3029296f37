//! The program's own page, the first start, and what the window says of a machine without a graphics card.

use super::*;
use paser_app::window::about::{Licences, Package, Wish};
use paser_app::window::engine::Read;

const NO_CARD: &str = "computing on the CPU: no graphics card that can compute was found; if this machine has a card, \
                       install its Vulkan driver; the CPU does the same work more slowly";

fn licences() -> Licences {
    let package = |(i, (name, version, licence)): (usize, &(&str, &str, &str))| Package {
        name: (*name).to_owned(),
        version: (*version).to_owned(),
        licence: (*licence).to_owned(),
        repository: Some(format!("https://example.org/{name}")),
        texts: vec![i % 2],
    };
    let named = [
        ("accesskit", "0.25.2", "MIT OR Apache-2.0"),
        ("burn", "0.22.1", "MIT OR Apache-2.0"),
        ("egui", "0.37.0", "MIT OR Apache-2.0"),
        ("epaint_default_fonts", "0.37.0", "(MIT OR Apache-2.0) AND OFL-1.1 AND Ubuntu-font-1.0"),
        ("Inter (font of the window)", "", "OFL-1.1"),
        ("wgpu", "30.0.1", "MIT OR Apache-2.0"),
        ("zmij", "1.0.23", "MIT"),
    ];
    let line =
        "Permission is hereby granted, free of charge, to any person obtaining a copy of this software. ";
    let texts = vec![format!("MIT License\n\n{}", line.repeat(30)), "SIL OPEN FONT LICENSE\n".repeat(40)];
    Licences { packages: named.iter().enumerate().map(package).collect(), texts }
}

fn open_page(state: &mut State) {
    state.about.file = Some(PathBuf::from("/usr/share/paser-studio/licences.json"));
    let effects = handle(state, Command::About(Wish::Toggle));
    assert!(matches!(effects.as_slice(), [Effect::Read(Read::Licences(_))]), "{effects:?}");
    absorb(state, Told::Licences(Ok(Box::new(licences()))));
}

#[test]
fn pictures_of_the_programs_own_page() {
    let scene = |mode| {
        let mut state = segmented(mode);
        let mut model = model();
        let about =
            "simulated electrode scans alone (paser phantom --seed 7 --slices 64); no real scan was used";
        model.manifest.about = about.to_owned();
        absorb(&mut state, Told::Model(Ok(Box::new(model))));
        open_page(&mut state);
        state
    };
    pictures(
        [("about_dark".to_owned(), scene(Mode::Dark)), ("about_light".to_owned(), scene(Mode::Light))],
        WINDOW,
    );
}

#[test]
fn help_opens_the_page_and_its_search_finds_a_licence() {
    let mut state = ready(Mode::Dark);
    state.about.file = Some(PathBuf::from("/licences.json"));
    let mut harness = harness(state);
    harness.get_by_label("?").click();
    harness.run_steps(3);
    harness.get_by_label_contains("About and licences").click();
    harness.run_steps(3);
    assert!(harness.state().state.about.open);
    absorb(&mut harness.state_mut().state, Told::Licences(Ok(Box::new(licences()))));
    handle(&mut harness.state_mut().state, Command::About(Wish::Search("ofl".to_owned())));
    harness.run_steps(3);
    assert_eq!(harness.query_all_by_label("wgpu").count(), 0, "it is not under the OFL");
    harness.get_by_label("Inter (font of the window)").click();
    harness.run_steps(3);
    assert_eq!(harness.state().state.about.chosen, 4);
    harness.key_press(egui::Key::Escape);
    harness.run_steps(3);
    assert!(!harness.state().state.about.open);
}

#[test]
fn licences_that_cannot_be_read_are_a_failure_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("licences.json");
    assert!(Licences::read(&file).is_err());
    std::fs::write(&file, "{\"packages\": 3}").unwrap();
    let said = Licences::read(&file).unwrap_err().to_string();
    assert!(said.contains("damaged") && said.contains("install the program again"), "{said}");
}

fn first_start(mode: Mode) -> State {
    let mut state = State::new(mode, Some(PathBuf::from("/sample.tif")));
    let cpu = Description { driver: "8 threads".to_owned(), ..Description::cpu() };
    absorb(&mut state, Told::Device(cpu, Some(NO_CARD.to_owned())));
    absorb(&mut state, Told::Preparing(7, 31));
    state
}

#[test]
fn pictures_of_a_first_start() {
    let light = first_start(Mode::Light);
    assert!(light.notices.shown().is_empty(), "the start page says it already");
    pictures(
        [("first_start_light".to_owned(), light), ("first_start_dark".to_owned(), first_start(Mode::Dark))],
        WINDOW,
    );
}

#[test]
fn the_first_start_ends_with_the_bundle_and_a_later_change_of_device_is_said_aloud() {
    let mut state = first_start(Mode::Dark);
    absorb(&mut state, Told::Model(Ok(Box::new(model()))));
    assert_eq!(state.preparing, None);
    absorb(&mut state, Told::Device(Description::cpu(), Some("the device failed; restart".to_owned())));
    assert_eq!(state.notices.shown().len(), 1);
}
