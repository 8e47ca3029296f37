//! The system's dialogs for files and folders.

use super::engine::{Event, Pick};
use super::project::{ENDING, Item};
use std::time::{Duration, Instant};

/// A dialog that closed faster was never there: the desktop has no portal for it.
const SEEN: Duration = Duration::from_millis(400);

/// Asks; blocks until the dialog is closed.
pub(super) fn ask(pick: Pick) -> Event {
    let begun = Instant::now();
    let dialog = rfd::FileDialog::new();
    let path = match pick {
        Pick::Project => {
            dialog.set_title("Open a project").add_filter("PaSeR projects", &[ENDING]).pick_file()
        }
        Pick::SaveProject => dialog
            .set_title("Save the project")
            .add_filter("PaSeR projects", &[ENDING])
            .set_file_name(format!("project.{ENDING}"))
            .save_file(),
        Pick::Relink(Item::Bundle) => dialog.set_title("Choose the model bundle").pick_folder(),
        Pick::Relink(item) => {
            dialog.set_title(format!("Choose the {}", item.name().to_lowercase())).pick_file()
        }
        Pick::File => dialog
            .set_title("Open a stack")
            .add_filter("Stacks and images (TIFF, PNG)", &["tif", "tiff", "TIF", "TIFF", "png", "PNG"])
            .add_filter("All files", &["*"])
            .pick_file(),
        Pick::Truth => dialog
            .set_title("Choose the labels of this stack")
            .add_filter("Stacks and images (TIFF, PNG)", &["tif", "tiff", "TIF", "TIFF", "png", "PNG"])
            .pick_file(),
        Pick::TruthFolder => dialog.set_title("Choose the folder of labels of this stack").pick_folder(),
        Pick::Images => dialog.set_title("Choose the folder of images").pick_folder(),
        Pick::Labels => dialog.set_title("Choose the folder of labels").pick_folder(),
        Pick::StudyData => dialog.set_title("Choose the folder that the study reads").pick_folder(),
        Pick::StudyOut => dialog.set_title("Choose the folder for the page").pick_folder(),
        Pick::Folder => dialog.set_title("Open a folder of slices").pick_folder(),
        Pick::Bundle => dialog.set_title("Choose a model bundle").pick_folder(),
    };
    Event::Picked(pick, path, begun.elapsed() < SEEN)
}
