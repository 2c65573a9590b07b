// Which tasks an instance of a class gives: their ids, their order, and what becomes of inheritance.
import { expect, it } from "vitest";
import { action, type Context, DotFlow } from "dotflow";

class Etl {
  readonly source: string;

  constructor(source = "disk") {
    this.source = source;
  }

  @action
  extract(): string {
    return this.source;
  }

  @action
  transform(previous: Context<string>): string {
    return previous.storage.toUpperCase();
  }

  @action
  load(previous: Context<string>): string {
    return `${previous.storage} loaded`;
  }
}

/** Runs what is added, and gives the id and the value of each task. */
async function valuesOf(add: (workflow: DotFlow) => unknown): Promise<Record<string, unknown>> {
  const workflow = new DotFlow({ workflowId: "instances" });
  add(workflow);
  const contexts = await (await workflow.start()).contexts();
  return Object.fromEntries(Object.entries(contexts).map(([id, { storage }]) => [id, storage]));
}

async function idsOf(add: (workflow: DotFlow) => unknown): Promise<string[]> {
  return Object.keys(await valuesOf(add));
}

it("adds the methods in the order of their declaration, named after class and method", async () => {
  expect(await valuesOf(({ task }) => task.add(new Etl()))).toEqual({
    "Etl.extract": "disk",
    "Etl.transform": "DISK",
    "Etl.load": "DISK loaded",
  });
});

it("gives the ref of the last method, and takes the first after others", async () => {
  const before = action({ name: "before" }, () => {});
  const after = action({ name: "after" }, (previous: Context<string>) => `${previous.storage}, seen`);
  const values = await valuesOf(({ task }) => {
    const first = task.add(before);
    const last = task.add(new Etl(), { after: first, groupName: "pipe" });
    task.add(after, { after: last });
  });
  expect(values).toMatchObject({ "pipe.Etl.load": "DISK loaded", after: "DISK loaded, seen" });
});

it("puts inherited methods first, and leaves overridden ones in their place", async () => {
  class Nightly extends Etl {
    @action
    report(previous: Context<string>): string {
      return `${previous.storage}, reported`;
    }

    @action
    override transform(previous: Context<string>): string {
      return `${super.transform(previous)}!`;
    }
  }
  expect(await valuesOf(({ task }) => task.add(new Nightly()))).toEqual({
    "Nightly.extract": "disk",
    "Nightly.transform": "DISK!",
    "Nightly.load": "DISK! loaded",
    "Nightly.report": "DISK! loaded, reported",
  });
});

it("takes a method that is overridden without @action as no task", async () => {
  class Dry extends Etl {
    override load(): string {
      return "nothing loaded";
    }
  }
  expect(await idsOf(({ task }) => task.add(new Dry()))).toEqual(["Dry.extract", "Dry.transform"]);
});

it("takes a method that is decorated again further down as a task", async () => {
  class Dry extends Etl {
    override load(_previous: Context<string>): string {
      return "nothing loaded";
    }
  }
  class Wet extends Dry {
    @action
    override load(_previous: Context<string>): string {
      return "loaded again";
    }
  }
  expect(await valuesOf(({ task }) => task.add(new Wet()))).toMatchObject({ "Wet.load": "loaded again" });
});

it("tells two instances of one class apart, each with its own this", async () => {
  const values = await valuesOf(({ task }) => {
    task.add(new Etl("disk"));
    task.add(new Etl("tape"));
  });
  expect(values).toEqual({
    "Etl.extract": "disk",
    "Etl.transform": "DISK",
    "Etl.load": "DISK loaded",
    "Etl.extract#2": "tape",
    "Etl.transform#2": "TAPE",
    "Etl.load#2": "TAPE loaded",
  });
});

it("uses the option id as the first part of every id", async () => {
  const ids = await idsOf(({ task }) => task.add(new Etl(), { id: "tape" }));
  expect(ids).toEqual(["tape.extract", "tape.transform", "tape.load"]);
});

const secret = Symbol("secret");

class Odd {
  @action
  [secret](): number {
    return 1;
  }

  @action
  "two words"(): number {
    return 2;
  }

  @action
  async *[Symbol.asyncIterator](): AsyncGenerator<number> {
    // Only the name matters here: a generator can't be saved.
  }
}

it("names methods by their texts and, behind these, by their symbols", async () => {
  const workflow = new DotFlow({ workflowId: "odd" });
  workflow.task.add(new Odd());
  const { tasks } = await workflow.start();
  expect(tasks.map(({ id, status }) => [id, status])).toEqual([
    ["Odd.two words", "completed"],
    ["Odd.[secret]", "completed"],
    ["Odd.[Symbol.asyncIterator]", "failed"],
  ]);
});
