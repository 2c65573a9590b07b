// Workflows as steps of others: what a workflow hands to the one that it is added to.
/** A workflow, as the run of another one sees it. */
export interface SubWorkflow {
  readonly workflowId: string;
  /** Whether nobody chose the id, so that a task can't be called after it. */
  readonly hasRandomId: boolean;
  /** Its list of tasks, as `DotFlow` holds it. */
  readonly list: object;
}

const workflows = new WeakMap<object, SubWorkflow>();

export function registerWorkflow(workflow: object, facts: SubWorkflow): void {
  workflows.set(workflow, facts);
}

/** What is known of `value`, or `undefined` if it is no workflow. */
export function subWorkflowOf(value: object): SubWorkflow | undefined {
  return workflows.get(value);
}
