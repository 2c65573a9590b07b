// A class whose methods are steps: each is a task of its own, and `this` is the instance, with its clients and settings.
//
// Prints:
//   Invoices.read completed, Invoices.price completed, Invoices.send completed
//   sent 2 invoices over 1190.00 EUR
import { action, type Context, DotFlow } from "dotflow";

interface Invoice {
  customer: string;
  amount: number;
}

class Invoices {
  readonly #currency: string;

  constructor(currency: string) {
    this.#currency = currency;
  }

  @action
  async read(): Promise<Invoice[]> {
    return [
      { customer: "Ada", amount: 600 },
      { customer: "Grace", amount: 400 },
    ];
  }

  /** Change `version` when the rate changes: then a resume prices again, and runs what follows. */
  @action({ version: 2 })
  async price(previous: Context<Invoice[]>): Promise<Invoice[]> {
    return previous.storage.map((invoice) => ({ ...invoice, amount: this.#withTax(invoice.amount) }));
  }

  @action({ retry: 3, timeout: "10s" })
  async send(previous: Context<Invoice[]>): Promise<string> {
    const sum = previous.storage.reduce((total, { amount }) => total + amount, 0);
    return `sent ${previous.storage.length} invoices over ${sum.toFixed(2)} ${this.#currency}`;
  }

  // No step: it has no `@action`.
  #withTax(amount: number): number {
    return amount * 1.19;
  }
}

const workflow = new DotFlow({ workflowId: "class-of-steps" });
workflow.task.add(new Invoices("EUR"));

const result = await workflow.start();
console.log(result.tasks.map(({ id, status }) => `${id} ${status}`).join(", "));
console.log(await result.output());
