//! The system's dialogs for files and folders.

use super::engine::{Event, Pick};
use super::project::{ENDING, Item};
use rfd::FileDialog;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A dialog that closed faster was never there: the desktop has no portal for it.
const SEEN: Duration = Duration::from_millis(400);
/// Endings of stacks and images.
const STACKS: [&str; 20] = [
    "tif", "tiff", "TIF", "TIFF", "png", "PNG", "nrrd", "nhdr", "mhd", "mha", "nii", "gz", "h5", "hdf5",
    "nxs", "H5", "raw", "bin", "vol", "dat",
];

/// Asks; blocks until the dialog is closed.
pub(super) fn ask(pick: Pick) -> Event {
    let begun = Instant::now();
    let paths = answer(pick).unwrap_or_default();
    Event::Picked(pick, paths, begun.elapsed() < SEEN)
}

fn answer(pick: Pick) -> Option<Vec<PathBuf>> {
    let dialog = |title: &str| FileDialog::new().set_title(title);
    let stacks =
        |title: &str| dialog(title).add_filter("Stacks and images", &STACKS).add_filter("All files", &["*"]);
    let projects = |title: &str| dialog(title).add_filter("PaSeR projects", &[ENDING]);
    let one = match pick {
        Pick::Stacks => return stacks("Choose the stacks to segment").pick_files(),
        Pick::StackFolders => return dialog("Choose folders of slices, or of stacks").pick_folders(),
        Pick::Project => projects("Open a project").pick_file(),
        Pick::SaveProject => {
            projects("Save the project").set_file_name(format!("project.{ENDING}")).save_file()
        }
        Pick::Relink(Item::Bundle) => dialog("Choose the model bundle").pick_folder(),
        Pick::Relink(item) => dialog(&format!("Choose the {}", item.name().to_lowercase())).pick_file(),
        Pick::File => stacks("Open a stack").pick_file(),
        Pick::Truth => stacks("Choose the labels of this stack").pick_file(),
        Pick::TruthFolder => dialog("Choose the folder of labels of this stack").pick_folder(),
        Pick::Images => dialog("Choose the folder of images").pick_folder(),
        Pick::Labels => dialog("Choose the folder of labels").pick_folder(),
        Pick::StudyData => dialog("Choose the folder that the study reads").pick_folder(),
        Pick::StudyOut => dialog("Choose the folder for the page").pick_folder(),
        Pick::Folder => dialog("Open a folder of slices").pick_folder(),
        Pick::Bundle => dialog("Choose a model bundle").pick_folder(),
    };
    one.map(|path| vec![path])
}
