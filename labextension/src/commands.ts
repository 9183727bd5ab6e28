/** The ids of all commands, and what each takes. */

export namespace CommandIDs {
  /** Open an experiment's page: `{uid, preview?, saved?}`; a preview reuses one tab. */
  export const openExperiment = 'aiplat:open-experiment';
  export const showSidebar = 'aiplat:show-sidebar';
  /** Put the ten lines of a first run into the notebook that is open. */
  export const insertQuickstart = 'aiplat:insert-quickstart';
  export const openQuickstart = 'aiplat:open-quickstart';
  /** Asks for the name. */
  export const createProject = 'aiplat:create-project';
  export const refresh = 'aiplat:refresh';

  // The following act on what is selected in the sidebar.
  export const open = 'aiplat:open';
  export const rename = 'aiplat:rename';
  export const stop = 'aiplat:stop';
  export const archive = 'aiplat:archive';
  export const restore = 'aiplat:restore';
  export const trash = 'aiplat:trash';
  export const purge = 'aiplat:purge';
  export const copyCode = 'aiplat:copy-code';
}
