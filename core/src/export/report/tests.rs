use serde_json::json;

use super::*;
use crate::data::classes::classes;
use crate::event::Control;
use crate::measure::{Labels, Phase, Request, Scale, measure};

fn measures(calibrated: bool) -> Measures {
    let shape = [6, 5, 4];
    let names = ["pore", "a<b, \"c\""];
    let phases = names.iter().zip(1..).map(|(n, value)| Phase { name: (*n).to_owned(), value }).collect();
    let voxels = (0..120).map(|i| u8::from(i % 20 < 9)).collect();
    let labels = Labels::new(shape, phases, voxels).unwrap();
    let scale = Scale::new(calibrated.then(|| ([0.5, 0.25, 0.25], "um".to_owned()))).unwrap();
    measure(&labels, &Request { scale, transport: None }, &Control::default(), &mut |_, _, _| ()).unwrap()
}

fn write(calibrated: bool, measured: bool) -> (tempfile::TempDir, Vec<PathBuf>, String) {
    let folder = tempfile::tempdir().unwrap();
    let size = calibrated.then_some([0.5, 0.25, 0.25]);
    let run = json!({
        "run": { "program": "1", "method": "paser", "lambda": 0.25, "seed": 42, "volume": {
            "slices": 6, "height": 5, "width": 4, "voxel_size": size, "unit": calibrated.then_some("um") } },
        "shares": [0.5, 0.25, 0.25], "fractions": [0.55, 0.45],
        "totals": { "slices": 6, "flops_total": 3e9, "flops_run": 2e9 },
    });
    let classes = classes(&["pore", "a<b, \"c\""]);
    let all = measures(calibrated);
    let preview = crate::export::png::bytes_rgb(2, 1, &[1, 2, 3, 4, 5, 6]).unwrap();
    let curve = [CurvePoint { lambda: 0.0, shares: vec![1.0], iou: 0.9, flops: 2e9, tvd: 0.0 }];
    let report = Report {
        name: "s",
        run: &run,
        classes: &classes,
        seconds: 2.0,
        curve: &curve,
        bars: Err("not asked for"),
        manifest: None,
        calibration: None,
        measures: if measured { Ok(&all) } else { Err("too large") },
        preview: &preview,
    };
    let paths = report.write(folder.path(), false).unwrap();
    assert!(matches!(report.write(folder.path(), false), Err(Error::Exists(_))));
    let again = pdf::pdf(&content::page(&report)).unwrap();
    assert!(std::fs::read(&paths[1]).unwrap() == again, "the same report gives the same bytes");
    let page = std::fs::read_to_string(&paths[0]).unwrap();
    (folder, paths, page)
}

#[test]
fn the_page_needs_nothing_else() {
    let (_folder, paths, page) = write(true, true);
    assert_eq!(paths.len(), 7);
    for part in [
        "a&lt;b",
        "λ = 0.25",
        "0.5 × 0.25 × 0.25 µm",
        "3.000, 0.500 a slice",
        "tau = fraction",
        "base64,iVBORw0KGgo",
    ] {
        assert!(page.contains(part), "{part}");
    }
    for link in ["http", "<script", "<link", "a<b"] {
        assert!(!page.contains(link), "{link}");
    }
    assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
    assert!(!page.contains("UNCALIBRATED"));
}

#[test]
fn an_uncalibrated_page_says_so_everywhere() {
    let (_folder, _, page) = write(false, true);
    assert!(
        page.contains("UNCALIBRATED") && page.contains("of unknown voxel size") && page.contains("voxel⁻¹")
    );
    assert!(!page.contains("µm"));
}

#[test]
fn what_was_not_measured_is_said() {
    let (_folder, paths, page) = write(true, false);
    assert_eq!(paths.len(), 2);
    assert!(page.contains("were not measured: too large") && page.contains("55.00 %"));
}

#[test]
fn tables_have_a_value_in_every_column() {
    let (_folder, paths, _) = write(true, true);
    for path in paths.iter().filter(|p| p.extension().is_some_and(|e| e == "csv")) {
        let text = std::fs::read_to_string(path).unwrap();
        let plain = text.replace("\"a<b, \"\"c\"\"\"", "quoted");
        let columns = plain.lines().next().unwrap().split(',').count();
        assert!(plain.lines().count() > 2, "{}", path.display());
        assert!(plain.lines().all(|l| l.split(',').count() == columns), "{plain}");
    }
}
