//! The page of commands and what the program itself says of them.

use crate::fixture::program;
use std::collections::BTreeSet;
use std::process::Command;

const PAGE: &str = include_str!("../../../docs/COMMANDS.md");

fn help(command: &str) -> String {
    let output = Command::new(program()).args([command, "--help"]).output().expect("the program runs");
    assert!(output.status.success(), "paser {command} --help failed");
    String::from_utf8(output.stdout).expect("help as text")
}

/// Words that begin with two dashes.
fn flags(text: &str) -> BTreeSet<String> {
    let mut words =
        text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).filter(|w| w.starts_with("--"));
    words.by_ref().filter(|w| w.len() > 2).map(str::to_owned).collect()
}

/// Name and line of every command of the page.
fn commands() -> Vec<(&'static str, &'static str)> {
    let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| `paser ")?.split_once('`'));
    rows.map(|(command, _)| (command.split(' ').next().unwrap_or_default(), command)).collect()
}

#[test]
fn every_command_and_flag_of_the_page_is_one_of_the_program() {
    let page: BTreeSet<&str> = commands().iter().map(|(name, _)| *name).collect();
    assert!(page.len() > 10, "{page:?}");
    for (name, line) in commands() {
        let known = flags(&help(name));
        for flag in flags(line) {
            assert!(known.contains(&flag), "paser {name} does not know {flag}: {known:?}");
        }
        for flag in ["--json", "--device", "--seed", "--force"] {
            assert!(known.contains(flag), "paser {name} lacks {flag}");
        }
    }
}

#[test]
fn every_command_of_the_program_is_on_the_page() {
    let output = Command::new(program()).arg("--help").output().expect("the program runs");
    let text = String::from_utf8(output.stdout).expect("help as text");
    let listed = text.lines().skip_while(|l| !l.starts_with("Commands:")).skip(1);
    let named: Vec<&str> =
        listed.take_while(|l| l.starts_with("  ")).filter_map(|l| l.split_whitespace().next()).collect();
    assert!(named.len() > 10, "{text}");
    let page: BTreeSet<&str> = commands().iter().map(|(name, _)| *name).collect();
    for name in named.into_iter().filter(|n| *n != "help") {
        assert!(page.contains(name), "docs/COMMANDS.md does not know paser {name}");
    }
}

#[test]
fn every_method_of_the_page_is_one_of_the_program() {
    let (_, after) = PAGE.split_once("Methods: ").expect("a list of methods");
    let (list, _) = after.split_once('.').expect("its end");
    let said = [help("evaluate"), help("compare")];
    for name in list.split(',').map(str::trim) {
        let name = name.split_whitespace().collect::<String>();
        name.parse::<paser_core::route::Method>().unwrap_or_else(|e| panic!("{e}"));
        assert!(said.iter().all(|text| text.contains(&name)), "--help does not name {name}");
    }
}
