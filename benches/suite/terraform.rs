//! The baseline: Terraform or OpenTofu over the same shape of graph, with its builtin `terraform_data` only. No provider
//! process and no network: its best case.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::Program;

/// Objects on each level of a site's graph: 60 in all, as in the fixture of the earlier measurements.
const LEVELS: [usize; 6] = [4, 8, 12, 14, 12, 10];

/// A program that was found.
pub struct Terraform {
    pub program: String,
    pub version: String,
}

impl Terraform {
    pub fn find() -> Option<Self> {
        ["terraform", "tofu"].iter().find_map(|name| {
            let output = Command::new(name).arg("version").env("CHECKPOINT_DISABLE", "1").output().ok()?;
            let version = String::from_utf8_lossy(&output.stdout).lines().next()?.to_owned();
            Some(Self { program: (*name).to_owned(), version })
        })
    }

    /// One root with a module for each site; or, with one site, a root of its own.
    pub fn root(&self, scratch: &Path, name: &str, sites: usize) -> PathBuf {
        let root = scratch.join(name);
        fs::create_dir_all(root.join("site")).expect("a folder");
        fs::write(root.join("site/main.tf"), module()).expect("a module");
        let codes: Vec<String> = (0..sites).map(|site| format!("\"S{site:04}\"")).collect();
        let main = format!(
            "module \"site\" {{\n  for_each = toset([{}])\n  source = \"./site\"\n  code = each.key\n}}\n",
            codes.join(", ")
        );
        fs::write(root.join("main.tf"), main).expect("a root");
        let _ = self.program("init", &root, &["init", "-input=false"]).run();
        root
    }

    pub fn program(&self, name: &str, root: &Path, words: &[&str]) -> Program {
        let all: Vec<&str> = std::iter::once(self.program.as_str()).chain(words.iter().copied()).collect();
        Program::new(name, root, &all)
    }

    pub fn plan(&self, root: &Path) -> Program {
        self.program("terraform plan", root, &["plan", "-input=false", "-out=p.tfplan"])
    }

    pub fn apply(&self, root: &Path) -> Program {
        self.program("terraform apply", root, &["apply", "-input=false", "-auto-approve"])
    }
}

fn module() -> String {
    let mut text = "variable \"code\" { type = string }\n".to_owned();
    let mut above: Vec<String> = Vec::new();
    for (level, count) in LEVELS.iter().enumerate() {
        let names: Vec<String> = (0..*count).map(|at| format!("r{level}_{at}")).collect();
        for (at, name) in names.iter().enumerate() {
            text.push_str(&format!("resource \"terraform_data\" \"{name}\" {{\n  input = {{\n"));
            for key in 0..8 {
                text.push_str(&format!("    k{key} = \"${{var.code}}-{name}-{key}\"\n"));
            }
            for turn in 0..2.min(above.len()) {
                let needed = &above[(at + turn) % above.len()];
                text.push_str(&format!("    after{turn} = terraform_data.{needed}.id\n"));
            }
            text.push_str("  }\n}\n");
        }
        above = names;
    }
    text
}
