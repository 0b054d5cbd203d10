//! Whether the machine runs on its battery.

use std::fs;
use std::path::Path;

/// Whether a battery is being used up now. A machine without one never says so.
pub fn on_battery() -> bool {
    drains(Path::new("/sys/class/power_supply"))
}

fn drains(supplies: &Path) -> bool {
    let Ok(entries) = fs::read_dir(supplies) else { return false };
    entries.flatten().any(|entry| {
        let says =
            |file: &str, word: &str| fs::read_to_string(entry.path().join(file)).is_ok_and(|text| text.trim() == word);
        // A mouse has a battery too, which is not that of the machine.
        says("type", "Battery") && !says("scope", "Device") && says("status", "Discharging")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_battery_of_the_machine_counts() {
        let dir = tempfile::tempdir().unwrap();
        let supply = |name: &str, files: &[(&str, &str)]| {
            fs::create_dir_all(dir.path().join(name)).unwrap();
            files
                .iter()
                .for_each(|(file, text)| fs::write(dir.path().join(name).join(file), format!("{text}\n")).unwrap());
        };
        assert!(!drains(&dir.path().join("none")));
        supply("AC", &[("type", "Mains"), ("online", "0")]);
        supply("mouse", &[("type", "Battery"), ("scope", "Device"), ("status", "Discharging")]);
        supply("BAT0", &[("type", "Battery"), ("status", "Charging")]);
        assert!(!drains(dir.path()));
        supply("BAT0", &[("status", "Discharging")]);
        assert!(drains(dir.path()));
    }
}
