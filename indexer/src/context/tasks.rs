//! `tasks.md`: what is late, what is due, what is coming, what has no day.

use super::agenda::{Happening, Task, happenings, tasks as all};
use super::{Moment, days, distance, place, section};

/// Days ahead in which something is coming.
const AHEAD: i64 = 14;

/// The page.
pub fn tasks(moment: &Moment) -> String {
    let today = moment.today();
    let mut out = format!(
        "# Tasks\n\nAs of {today}. A task goes from here when its check-box is ticked, or with `rm` in facts/by-category/task.\n"
    );
    let tasks = all(moment);
    let lines = |wanted: &dyn Fn(&Task) -> bool| -> Vec<String> {
        tasks.iter().filter(|task| wanted(task)).map(|task| line(moment, task)).collect()
    };
    let left = |task: &Task| task.due.map(|due| days(today, due));
    section(&mut out, "Overdue", &lines(&|task| left(task).is_some_and(|left| left < 0)));
    section(&mut out, "Due", &lines(&|task| left(task).is_some_and(|left| left >= 0)));
    let coming: Vec<String> = happenings(moment, AHEAD).iter().map(|coming| happening_line(moment, coming)).collect();
    section(&mut out, "Coming up", &coming);
    section(&mut out, "Without a day", &lines(&|task| task.due.is_none()));
    if out.lines().count() <= 3 {
        out.push_str("\nNothing is open.\n");
    }
    out
}

fn line(moment: &Moment, task: &Task) -> String {
    let when = match task.due {
        Some(due) => format!("{due} ({}): ", distance(moment.today(), due)),
        None => String::new(),
    };
    let mark = if task.said { "" } else { "[ ] " };
    let since = if task.due.is_none() { format!(" (since {})", task.since) } else { String::new() };
    format!("- {mark}{when}{}{since}\n  {}", task.text, place(&task.path, task.line))
}

/// One line of what happens, with its place.
pub fn happening_line(moment: &Moment, coming: &Happening) -> String {
    format!("- {}\n  {}", happening_text(moment, coming), place(&coming.path, coming.line))
}

/// What happens, when and where.
pub fn happening_text(moment: &Moment, coming: &Happening) -> String {
    let Happening { title, day, time, place, .. } = coming;
    let time = time.as_ref().map(|time| format!(" {time}")).unwrap_or_default();
    let place = place.as_ref().map(|place| format!(", {place}")).unwrap_or_default();
    format!("{} {day}{time} ({}): {title}{place}", day.strftime("%a"), distance(moment.today(), *day))
}
