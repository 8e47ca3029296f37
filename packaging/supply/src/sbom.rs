//! The software bill of materials: CycloneDX 1.5 (<https://cyclonedx.org/docs/1.5/json/>), without times and serial
//! numbers, so that the same sources give the same bytes.

use crate::Part;
use serde_json::{Value, json};

/// The bill for `parts`, of which the program itself is one.
pub fn bill(parts: &[Part], program: &str) -> Value {
    let ours = parts.iter().find(|p| p.name == program);
    let others = parts.iter().filter(|p| p.name != program);
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": ours.map(|p| component(p, "application")) },
        "components": others.map(|p| component(p, "library")).collect::<Vec<_>>(),
        "dependencies": parts.iter().map(dependencies).collect::<Vec<_>>(),
    })
}

fn component(part: &Part, kind: &str) -> Value {
    let mut component = json!({
        "type": kind,
        "bom-ref": url(&part.name, &part.version),
        "name": part.name,
        "version": part.version,
        "purl": url(&part.name, &part.version),
        "licenses": [{ "expression": part.licence }],
    });
    if let Some(checksum) = &part.checksum {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
    }
    if let Some(repository) = &part.repository {
        component["externalReferences"] = json!([{ "type": "vcs", "url": repository }]);
    }
    component
}

fn dependencies(part: &Part) -> Value {
    let on: Vec<String> = part.uses.iter().map(|(name, version)| url(name, version)).collect();
    json!({ "ref": url(&part.name, &part.version), "dependsOn": on })
}

/// Package URL (<https://github.com/package-url/purl-spec>).
fn url(name: &str, version: &str) -> String {
    format!("pkg:cargo/{name}@{}", version.replace('+', "%2B"))
}
