// Opens a broken storage in the child processes of the contract; the place is `<class>:<folder>`.
import * as files from "../broken-file-storages.ts";
import type { SoundFiles } from "../broken-file-storages.ts";

const storages = { ...files };

export default function openBrokenFiles(place: string): SoundFiles {
  const [name = "", ...folder] = place.split(":");
  const Broken = storages[name as keyof typeof storages]; // the test names one of them
  return new Broken(folder.join(":"));
}
