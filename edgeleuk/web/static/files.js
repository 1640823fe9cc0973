// The files of a drop or of a folder: those that are images by their name. What an operating system leaves in folders
// is passed over in silence, anything else is named.

export const IMAGE_NAME = /[^/.][^/]*\.(bmp|dib|jfi|jfif|jif|jpe|jpeg|jpg|pjp|pjpeg|png|tif|tiff|webp)$/i;
const LITTER = /^(\..*|thumbs\.db|desktop\.ini)$/i;

// { files, passedOver: names }
export function imagesOf(files) {
  const kept = files.filter((file) => !LITTER.test(file.name));
  return { files: kept.filter((file) => IMAGE_NAME.test(file.name)), passedOver: kept.filter((file) => !IMAGE_NAME.test(file.name)).map((file) => file.name) };
}

// Chosen one by one: the server says what it cannot read.
export const chosenFiles = (files) => ({ files: files.filter((file) => !LITTER.test(file.name)), passedOver: [] });

export async function droppedFiles(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.length === 0) return chosenFiles([...transfer.files]);
  const alone = [];
  const inFolders = [];
  for (const entry of entries) await collect(entry, entry.isFile ? alone : inFolders);
  const found = imagesOf(inFolders);
  return { files: [...chosenFiles(alone).files, ...found.files], passedOver: found.passedOver };
}

async function collect(entry, files) {
  if (entry.isFile) {
    files.push(await new Promise((resolve, reject) => entry.file(resolve, reject)));
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return;
    for (const child of some) await collect(child, files);
  }
}
