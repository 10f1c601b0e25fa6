/** Reads a QR code from the camera or from a picture: by the browser where it can, else by a library that is fetched then. */
import { useEffect, useRef, useState } from "preact/hooks";
import { inWords } from "../../rpc/client";
import { Icon } from "../../ui/icon";
import { Dialog, Notice } from "../../ui/parts";
import { sentence } from "../../words";
import { readQr } from "./read-qr";

/** How often a picture of the camera is looked at. */
const LOOK_EVERY_MS = 200;

export function Scanner({ onFound }: { onFound: (text: string) => void }) {
  const [scanning, setScanning] = useState(false);
  const [fault, setFault] = useState<string>();
  const found = (text: string) => {
    setScanning(false);
    setFault(undefined);
    onFound(text);
  };
  const onFile = async (file: File | undefined) => {
    if (!file) return;
    const text = await createImageBitmap(file)
      .then(readQr)
      .catch(() => undefined);
    if (text === undefined) setFault("there is no QR code in this picture that can be read");
    else found(text);
  };
  const hasCamera = "mediaDevices" in navigator;
  return (
    <div class="stack tight">
      <div class="row">
        {hasCamera ? (
          <button type="button" class="button little" onClick={() => setScanning(true)}>
            <Icon name="camera" /> Scan
          </button>
        ) : (
          <span class="small soft">Browsers give a camera only to pages of https or of this machine.</span>
        )}
        <label class="button little">
          Read a picture
          <input
            class="unseen"
            type="file"
            accept="image/*"
            onChange={(event) => onFile(event.currentTarget.files?.[0])}
          />
        </label>
      </div>
      {fault && <Notice tone="warn">{sentence(fault)}</Notice>}
      {scanning && <Camera onFound={found} onClose={() => setScanning(false)} />}
    </div>
  );
}

function Camera({ onFound, onClose }: { onFound: (text: string) => void; onClose: () => void }) {
  const video = useRef<HTMLVideoElement>(null);
  const [fault, setFault] = useState<string>();
  useEffect(() => {
    let stream: MediaStream | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let stopped = false;
    const look = async () => {
      const picture = video.current;
      const text = picture?.videoWidth ? await readQr(picture).catch(() => undefined) : undefined;
      if (stopped) return;
      if (text !== undefined) onFound(text);
      else timer = setTimeout(look, LOOK_EVERY_MS);
    };
    const open = async () => {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      if (stopped || !video.current) return close();
      video.current.srcObject = stream;
      await video.current.play();
      void look();
    };
    const close = () => {
      for (const track of stream?.getTracks() ?? []) track.stop();
    };
    open().catch((error) => setFault(`the camera cannot be used: ${inWords(error)}`));
    return () => {
      stopped = true;
      clearTimeout(timer);
      close();
    };
  }, []);
  return (
    <Dialog title="Show the QR code to the camera" onClose={onClose}>
      {fault ? <Notice tone="warn">{sentence(fault)}</Notice> : <video ref={video} class="video" muted playsInline />}
    </Dialog>
  );
}
