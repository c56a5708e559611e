//! Lists the scenario and rule files of the catalogue, so that adding a scenario touches only its file.

use std::{env, error::Error, fmt::Write as _, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let catalog = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("catalog");
    let mut list = String::new();
    for (constant, folder) in [
        ("SCENARIOS", catalog.clone()),
        ("RULES", catalog.join("rules")),
    ] {
        println!("cargo::rerun-if-changed={}", folder.display());
        let mut files: Vec<_> = fs::read_dir(&folder)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()?;
        files.retain(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        });
        files.sort();
        writeln!(list, "static {constant}: &[(&str, &str)] = &[")?;
        for path in files {
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .ok_or("a file name is not Unicode")?;
            let path = path.display().to_string();
            writeln!(list, "    ({name:?}, include_str!({path:?})),")?;
        }
        writeln!(list, "];")?;
    }
    fs::write(Path::new(&env::var("OUT_DIR")?).join("catalog.rs"), list)?;
    Ok(())
}
