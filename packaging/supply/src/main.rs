//! `paser-supply CHECKOUT OUT`: writes `licences.json` (read by the About pane), `THIRD-PARTY.txt` (the same for
//! people) and `sbom.cdx.json` into the folder OUT, for this machine's system.

use paser_supply::{licences, parts, sbom};
use std::path::Path;
use std::process::{Command, ExitCode};

/// What lies in the repository and is not ours: its name, its licence and where that is.
const FURTHER: [(&str, &str, &str); 1] =
    [("Inter (font of window and reports)", "OFL-1.1", "assets/fonts/OFL.txt")];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [checkout, out] = arguments.as_slice() else {
        eprintln!("use: paser-supply CHECKOUT OUT");
        return ExitCode::from(2);
    };
    match write(Path::new(checkout), Path::new(out)) {
        Ok(said) => {
            eprintln!("{said}");
            ExitCode::SUCCESS
        }
        Err(e) => {
            eprintln!("{e}");
            ExitCode::FAILURE
        }
    }
}

/// The compiler's name for this machine's system.
fn host() -> Result<String, String> {
    let output =
        Command::new("rustc").arg("-vV").output().map_err(|e| format!("rustc does not run ({e})"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find_map(|l| l.strip_prefix("host: "));
    line.map(str::to_owned).ok_or_else(|| "rustc names no host".to_owned())
}

fn write(checkout: &Path, out: &Path) -> Result<String, String> {
    let parts = parts(checkout, &host()?)?;
    std::fs::create_dir_all(out).map_err(|e| format!("cannot create {} ({e})", out.display()))?;
    let licences = licences::collect(checkout, &parts, &FURTHER)?;
    let put = |name: &str, text: String| {
        let path = out.join(name);
        std::fs::write(&path, text).map_err(|e| format!("cannot write {} ({e})", path.display()))
    };
    put("licences.json", licences.json().to_string())?;
    put("THIRD-PARTY.txt", licences.page())?;
    put("sbom.cdx.json", format!("{:#}\n", sbom::bill(&parts, "paser-app")))?;
    Ok(format!("{} packages, {} texts of licences", licences.packages.len(), licences.texts.len()))
}
