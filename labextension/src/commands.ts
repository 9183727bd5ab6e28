/** The ids of all commands, and what each takes. */

export const CommandIDs = {
  /** Open an experiment's page: `{uid, preview?, saved?}`; a preview reuses one tab. */
  openExperiment: 'aiplat:open-experiment',
  showSidebar: 'aiplat:show-sidebar',
  openTasks: 'aiplat:open-tasks',
  /** Open a task's page: `{uid, at?}`; `at` `error`: with the first error of its log in view. */
  openTask: 'aiplat:open-task',
  /** Open the page of a task's log: `{task, attempt?, stream?, line?, saved?}`. */
  openLog: 'aiplat:open-log',
  /** Open the form of a new task: `{uid?}` of a task to start from, or `{path?}` of a file to run. */
  newTask: 'aiplat:new-task',
  /** The same, for the file that is selected in the file browser. */
  runFile: 'aiplat:run-file',
  /** Open the page of GPUs and machines: `{agent?, saved?}`. */
  openGpus: 'aiplat:open-gpus',
  /** Open the page of alerts and rules: `{at?, page?}`; `at` `rules`: with the rules in view. */
  openAlerts: 'aiplat:open-alerts',
  /** Open the form of a rule: `{uid?}` of one to change, `{from?}` of one to copy; or of a new one, for `{experiment?}` or `{task?}`. */
  editRule: 'aiplat:edit-rule',
  /** Put the ten lines of a first run into the notebook that is open. */
  insertQuickstart: 'aiplat:insert-quickstart',
  openQuickstart: 'aiplat:open-quickstart',
  /** Asks for the name. */
  createProject: 'aiplat:create-project',
  refresh: 'aiplat:refresh',

  // The following act on what is selected in the sidebar.
  open: 'aiplat:open',
  rename: 'aiplat:rename',
  stop: 'aiplat:stop',
  archive: 'aiplat:archive',
  restore: 'aiplat:restore',
  trash: 'aiplat:trash',
  purge: 'aiplat:purge',
  copyCode: 'aiplat:copy-code'
} as const;
