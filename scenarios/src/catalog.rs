//! The scenarios there are: those built into the binary, and those of an author's folder, which go
//! before them. It finds texts; what they mean is the loader's business.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use rand::RngExt;

use crate::{
    error::ScenarioError, level::LEVELS, load, nearest::nearest, plan::Plan, scenario::Scenario,
    seed::Seed, source::Source,
};

// SCENARIOS and RULES: file names and contents, listed by build.rs
include!(concat!(env!("OUT_DIR"), "/catalog.rs"));

/// The shop's objectives, the same in every drill: a spec file in Sloth's format.
pub const OBJECTIVES: &str = include_str!("../catalog/objectives/shop.yaml");

/// Largest file that is read; the largest of ours has some 30 KiB.
const LARGEST_FILE_BYTES: u64 = 1 << 20;

/// Scenarios by slug, and the rule files that they may name.
#[derive(Debug, Clone)]
pub struct Catalog {
    files: BTreeMap<String, (String, String)>,
    rules: BTreeMap<String, String>,
}

impl Catalog {
    /// The built-in scenarios.
    #[must_use]
    pub fn embedded() -> Self {
        let files = SCENARIOS.iter().map(|(name, text)| {
            let slug = name.trim_end_matches(".yaml").to_owned();
            (slug, (format!("catalog/{name}"), (*text).to_owned()))
        });
        let rules = RULES
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        Self {
            files: files.collect(),
            rules: rules.collect(),
        }
    }

    /// The built-in scenarios and those of a folder, whose `<slug>.yaml` and `rules/<name>.yaml` go
    /// before built-in ones of the same name.
    ///
    /// # Errors
    /// [`ScenarioError::Unreadable`] for the folder or a file in it.
    pub fn with_folder(folder: &Path) -> Result<Self, ScenarioError> {
        let mut catalog = Self::embedded();
        for path in yaml_files(folder)? {
            let name = path.display().to_string();
            catalog.files.insert(stem(&path), (name, read(&path)?));
        }
        let rules = folder.join("rules");
        if rules.is_dir() {
            for path in yaml_files(&rules)? {
                let name = format!("{}.yaml", stem(&path));
                catalog.rules.insert(name, read(&path)?);
            }
        }
        Ok(catalog)
    }

    /// One file of an author's, with the built-in rule files and those in `rules/` beside it.
    ///
    /// # Errors
    /// [`ScenarioError::Unreadable`] for the file or a rule file.
    pub fn file(path: &Path) -> Result<Source, ScenarioError> {
        let mut rules = Self::embedded().rules;
        let folder = path.parent().unwrap_or(Path::new(".")).join("rules");
        if folder.is_dir() {
            for path in yaml_files(&folder)? {
                rules.insert(format!("{}.yaml", stem(&path)), read(&path)?);
            }
        }
        Ok(Source::new(&path.display().to_string(), read(path)?, rules))
    }

    /// The scenario files of a folder, `*.yaml`, in alphabetical order; those of `rules/` are none.
    ///
    /// # Errors
    /// [`ScenarioError::Unreadable`] for the folder.
    pub fn files_in(folder: &Path) -> Result<Vec<PathBuf>, ScenarioError> {
        yaml_files(folder)
    }

    /// All slugs, in alphabetical order.
    pub fn slugs(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// Text of a scenario and the rule files it may name.
    ///
    /// # Errors
    /// [`ScenarioError::Unknown`], with the nearest slug there is.
    pub fn source(&self, slug: &str) -> Result<Source, ScenarioError> {
        let Some((name, text)) = self.files.get(slug) else {
            let known: Vec<&str> = self.slugs().collect();
            return Err(ScenarioError::Unknown {
                slug: slug.to_owned(),
                remedy: nearest(slug, known.iter().copied()).map_or_else(
                    || format!("there are {}", known.join(", ")),
                    |near| format!("did you mean `{near}`? `drill scenarios list` shows all"),
                ),
            });
        };
        Ok(Source::new(name, text.clone(), self.rules.clone()))
    }

    /// A scenario as its file's first draw makes it, checked under many seeds; for lists and previews.
    ///
    /// # Errors
    /// An unknown slug, or all problems of the file.
    pub fn scenario(&self, slug: &str) -> Result<Scenario, ScenarioError> {
        Ok(load::check(&self.source(slug)?)?)
    }

    /// The plan of a drill; `level` is the scenario's own where none is given.
    ///
    /// # Errors
    /// An unknown slug or level, or all problems of the file.
    pub fn plan(&self, slug: &str, seed: Seed, level: Option<u8>) -> Result<Plan, ScenarioError> {
        if let Some(level) = level.filter(|level| !LEVELS.contains(level)) {
            return Err(ScenarioError::Level(level));
        }
        Ok(load::load(&self.source(slug)?, seed, level)?)
    }

    /// The slug that a seed deals, for who does not choose.
    ///
    /// # Panics
    /// Never: there are built-in scenarios.
    #[must_use]
    pub fn deal(&self, seed: Seed) -> &str {
        let index = seed.stream("deal").random_range(0..self.files.len());
        self.slugs()
            .nth(index)
            .expect("the index is below the length")
    }
}

fn stem(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}

fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> ScenarioError + '_ {
    |source| ScenarioError::Unreadable {
        path: path.to_owned(),
        source,
    }
}

fn read(path: &Path) -> Result<String, ScenarioError> {
    let bytes = fs::metadata(path).map_err(unreadable(path))?.len();
    if bytes > LARGEST_FILE_BYTES {
        let why = format!("it has {bytes} bytes, more than {LARGEST_FILE_BYTES}");
        return Err(unreadable(path)(io::Error::other(why)));
    }
    fs::read_to_string(path).map_err(unreadable(path))
}

fn yaml_files(folder: &Path) -> Result<Vec<PathBuf>, ScenarioError> {
    let mut files = fs::read_dir(folder)
        .and_then(|entries| {
            entries
                .map(|entry| entry.map(|entry| entry.path()))
                .collect::<Result<Vec<_>, _>>()
        })
        .map_err(unreadable(folder))?;
    files.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "yaml")
    });
    files.sort();
    Ok(files)
}
