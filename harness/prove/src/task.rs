//! One boot to make.

use fencelab_rules::Expected;

/// The name of the session in which a kernel's controls run.
pub const CONTROLS: &str = "controls";

/// One boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// A fault, its case, and what must be seen.
    Fault(Expected),
    /// The lawful variants of these faults, all armed, and all their cases.
    Controls {
        /// The kernel to boot.
        kernel: String,
        /// The faults.
        expected: Vec<Expected>,
    },
}

impl Task {
    /// The boots for these faults: the controls of each kernel first, since they take longest.
    pub fn all(expected: &[Expected]) -> Vec<Task> {
        let mut tasks: Vec<Task> = Vec::new();
        for one in expected.iter().filter(|e| e.is_planted()) {
            let of_kernel =
                |task: &&mut Task| matches!(task, Task::Controls { kernel, .. } if *kernel == one.kernel);
            match tasks.iter_mut().find(of_kernel) {
                Some(Task::Controls { expected, .. }) => expected.push(one.clone()),
                _ => tasks.push(Task::Controls { kernel: one.kernel.clone(), expected: vec![one.clone()] }),
            }
        }
        tasks.extend(expected.iter().cloned().map(Task::Fault));
        tasks
    }

    /// The kernel to boot.
    pub fn kernel(&self) -> &str {
        match self {
            Task::Fault(expected) => &expected.kernel,
            Task::Controls { kernel, .. } => kernel,
        }
    }

    /// The cases to run, each once.
    pub fn cases(&self) -> Vec<&str> {
        let mut cases: Vec<&str> = match self {
            Task::Fault(expected) => vec![&expected.case],
            Task::Controls { expected, .. } => expected.iter().map(|e| e.case.as_str()).collect(),
        };
        let mut seen = Vec::new();
        cases.retain(|case| {
            !seen.contains(case) && {
                seen.push(*case);
                true
            }
        });
        cases
    }

    /// The names of the devices that its cases run on.
    pub fn devices(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for case in self.cases() {
            let on = case.split_once('@').map(|(_, on)| on.split('+')).into_iter().flatten();
            names.extend(on);
        }
        names.sort_unstable();
        names.dedup();
        names
    }

    /// What to write to the twins' `plant`.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Task::Fault(expected) if expected.is_planted() => vec![expected.name.clone()],
            Task::Fault(_) => vec![],
            Task::Controls { expected, .. } => {
                expected.iter().map(|e| format!("{}=control", e.name)).collect()
            }
        }
    }

    /// Its session's folder: names hold no more than a file name may.
    pub fn folder(&self) -> String {
        let name = match self {
            Task::Fault(expected) => &expected.name,
            Task::Controls { .. } => CONTROLS,
        };
        // A kernel of the user's own is named by its path, the end of which tells most.
        let kernel = self.kernel().trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        format!("{}/{}", plain(kernel), plain(name))
    }
}

/// The name with no more in it than a file name may hold.
fn plain(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let text: String = name.chars().map(plain).collect();
    // Neither the folder itself nor the one above it.
    if text.chars().all(|c| c == '.') { "kernel".into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fencelab_rules::{Knob, Subject};

    fn expected(name: &str, kernel: &str, case: &str) -> Expected {
        let line = format!("{name}\tamdgpu\tSIG-RECLAIM\t-\tcircular\tcs\tx");
        let knob = Knob::parse_list(&line).unwrap().remove(0);
        Expected { name: name.into(), subject: Subject::Knob(knob), kernel: kernel.into(), case: case.into() }
    }

    #[test]
    fn the_controls_of_a_kernel_share_a_boot_and_every_fault_has_its_own() {
        let all = [
            expected("a", "stock", "submit/many@amdgpu-twin"),
            expected("b", "stock", "submit/many@amdgpu-twin"),
            expected("c", "stock", "prime/move@amdgpu-twin+i915-twin"),
        ];
        let tasks = Task::all(&all);
        assert_eq!(tasks.len(), 4);
        assert_eq!(tasks[0].cases(), ["submit/many@amdgpu-twin", "prime/move@amdgpu-twin+i915-twin"]);
        assert_eq!(tasks[0].devices(), ["amdgpu-twin", "i915-twin"]);
        assert_eq!(tasks[0].lines(), ["a=control", "b=control", "c=control"]);
        assert_eq!((tasks[1].lines(), tasks[1].folder()), (vec!["a".to_owned()], "stock/a".to_owned()));
        let own = Task::Fault(expected("atomic/flip@vkms (x)", "/my kernels/6.18/", "atomic/flip@vkms"));
        assert_eq!(own.folder(), "6.18/atomic-flip-vkms--x-");
    }
}
