const __vite__mapDeps=(i,m=__vite__mapDeps,d=(m.f||(m.f=["assets/decode-IdQ9KeCT.js","assets/index-jBSfUcnp.js","assets/concat-Df6U-6kR.js","assets/transact-CabLUseg.js","assets/index-DJLZX3W0.css"])))=>i.map(i=>d[i]);
import{B as e,Ct as t,Dt as n,Et as r,F as i,G as a,H as o,J as s,K as c,L as l,Ot as u,Q as d,R as f,U as p,V as m,at as h,et as g,ft as _,gt as v,ht as y,it as b,jt as x,lt as S,pt as C,q as w}from"./concat-Df6U-6kR.js";import{_ as T,a as E,b as D,g as O,v as k,y as A}from"./index-jBSfUcnp.js";var j={expired:`Expired`,cancelled:`Given back`,redeemed:`Used already`,neverIssued:`No such code`,pending:`Not in a block yet`,failed:`Its request failed`,notARequest:`Not a code`};function M({verdict:e,redeemable:t}){return e===`pending`?{tone:`warn`,icon:`clock`,words:j.pending}:e!==`valid`&&e!==`transferred`?{tone:`bad`,icon:`bad`,words:j[e]}:t?{tone:`good`,icon:`good`,words:`Good: you can redeem it`}:{tone:`warn`,icon:`warning`,words:`Good, but not for you yet`}}function N({verification:e}){let n=M(e),{code:r,block:i,cloud:a}=e;return y(x,{children:[y(`div`,{class:`verdict ${n.tone}`,role:`status`,"data-testid":`verdict`,"data-verdict":e.verdict,children:[y(d,{name:n.icon}),y(`div`,{children:[y(`strong`,{children:n.words}),y(`p`,{children:h(e.obstacle??e.reason)})]})]}),y(`div`,{class:`card`,children:y(`dl`,{class:`facts`,children:[r&&y(P,{code:r,verification:e}),y(`dt`,{children:`Asked for`}),y(`dd`,{children:a.name}),y(`dt`,{children:`As of`}),y(`dd`,{children:[`block `,y(`a`,{href:S(`block`,`${t(i.number)}`),children:t(i.number)}),`, the newest`]})]})})]})}function P({code:n,verification:r}){let{status:a}=C(),o=_(`anchoring`,e=>l(e,a?.checkpoints),{withBlocks:!0}),s=o.value&&i(o.value.checkpoints,t(n.blockNumber)),c=t(r.ttlSeconds);return y(x,{children:[y(`dt`,{children:`Passport code`}),y(`dd`,{children:[y(`a`,{class:`mono`,href:S(`code`,n.passportCode),children:n.passportCode}),` `,y(e,{text:n.passportCode,what:`the passport code`,label:``})]}),y(`dt`,{children:`Good for`}),y(`dd`,{children:[`one `,y(`strong`,{children:n.spec.name}),` instance: `,E(n.spec).join(`, `)]}),y(`dt`,{children:`Time left`}),y(`dd`,{children:c>0?g(c):`none`}),y(`dt`,{children:`Holder`}),y(`dd`,{children:y(p,{id:n.holder,to:`account`})}),y(`dt`,{children:`Authorization`}),y(`dd`,{children:n.spec.requiresAuthorization?`the holder has to sign for your cloud`:`not needed for this spec`}),y(`dt`,{children:`Finality`}),y(`dd`,{children:[`final in block `,y(`a`,{href:S(`block`,`${t(n.blockNumber)}`),children:t(n.blockNumber)}),`, issued`,` `,b(t(n.issuedAt),Date.now()/1e3)]}),y(`dt`,{children:`Checkpoint`}),y(`dd`,{children:s?`${t(s.index)}, of block ${t(s.height)}: ${f(s)}`:o.value?.summary??`…`})]})}var F=1280;async function I(e){let t=await L();if(t)return(await t.detect(e))[0]?.rawValue;let{default:n}=await D(async()=>{let{default:e}=await import(`./decode-IdQ9KeCT.js`);return{default:e}},__vite__mapDeps([0,1,2,3,4]));try{return n(R(e))}catch{return}}async function L(){let e=globalThis.BarcodeDetector;if(e)return(await e.getSupportedFormats().catch(()=>[])).includes(`qr_code`)?new e({formats:[`qr_code`]}):void 0}function R(e){let[t,n]=e instanceof HTMLVideoElement?[e.videoWidth,e.videoHeight]:[e.width,e.height],r=Math.min(1,F/Math.max(t,n)),i=document.createElement(`canvas`);i.width=Math.round(t*r),i.height=Math.round(n*r);let a=i.getContext(`2d`,{willReadFrequently:!0});if(!a)throw Error(`this browser has no canvas`);return a.drawImage(e,0,0,i.width,i.height),a.getImageData(0,0,i.width,i.height)}var z=200;function B({onFound:e}){let[t,r]=n(!1),[i,o]=n(),s=t=>{r(!1),o(void 0),e(t)},c=async e=>{if(!e)return;let t=await createImageBitmap(e).then(I).catch(()=>void 0);t===void 0?o(`there is no QR code in this picture that can be read`):s(t)},l=`mediaDevices`in navigator;return y(`div`,{class:`stack tight`,children:[y(`div`,{class:`row`,children:[l&&y(`button`,{type:`button`,class:`button little`,onClick:()=>r(!0),children:[y(d,{name:`camera`}),` Scan`]}),y(`label`,{class:`button little`,children:[`Read a picture`,y(`input`,{class:`unseen`,type:`file`,accept:`image/*`,onChange:e=>c(e.currentTarget.files?.[0])})]})]}),i&&y(a,{tone:`warn`,children:h(i)}),t&&y(V,{onFound:s,onClose:()=>r(!1)})]})}function V({onFound:e,onClose:t}){let i=r(null),[o,s]=n();return u(()=>{let t,n,r=!1,a=async()=>{let t=i.current,o=t?.videoWidth?await I(t).catch(()=>void 0):void 0;r||(o===void 0?n=setTimeout(a,z):e(o))},o=async()=>{if(t=await navigator.mediaDevices.getUserMedia({video:{facingMode:`environment`}}),r||!i.current)return c();i.current.srcObject=t,await i.current.play(),a()},c=()=>{for(let e of t?.getTracks()??[])e.stop()};return o().catch(e=>s(`the camera cannot be used: ${v(e)}`)),()=>{r=!0,clearTimeout(n),c()}},[]),y(m,{title:`Show the QR code to the camera`,onClose:t,children:o?y(a,{tone:`warn`,children:h(o)}):y(`video`,{ref:i,class:`video`,muted:!0,playsInline:!0})})}var H=[[`curl`,`curl`],[`python`,`Python`],[`javascript`,`JavaScript`],[`go`,`Go`]];function U(e,t){return K[e](t)}var W=e=>JSON.stringify(e),G=e=>`'${e.replaceAll(`'`,`'\\''`)}'`,K={curl:({node:e,code:t,cloud:n})=>{let r=JSON.stringify({jsonrpc:`2.0`,id:1,method:`ledger_verifyCode`,params:[t,{cloud:n}]});return`curl -s ${G(e)} -H 'content-type: application/json' \\
  -d ${G(r)}
`},python:({node:e,code:t,cloud:n})=>`import json
import urllib.request

question = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "ledger_verifyCode",
    "params": [${W(t)}, {"cloud": ${W(n)}}],
}
request = urllib.request.Request(
    ${W(e)},
    json.dumps(question).encode(),
    {"content-type": "application/json"},
)
with urllib.request.urlopen(request) as response:
    answer = json.load(response)
if "error" in answer:
    raise SystemExit(answer["error"]["message"])
verification = answer["result"]
print(verification["verdict"], verification["redeemable"], verification["reason"])
`,javascript:({node:e,code:t,cloud:n})=>`const response = await fetch(${W(e)}, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({
    jsonrpc: "2.0",
    id: 1,
    method: "ledger_verifyCode",
    params: [${W(t)}, { cloud: ${W(n)} }],
  }),
});
const { result, error } = await response.json();
if (error) throw new Error(error.message);
console.log(result.verdict, result.redeemable, result.reason);
`,go:({node:e,code:t,cloud:n})=>`package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
)

func main() {
	question, err := json.Marshal(map[string]any{
		"jsonrpc": "2.0",
		"id":      1,
		"method":  "ledger_verifyCode",
		"params":  []any{${W(t)}, map[string]string{"cloud": ${W(n)}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	response, err := http.Post(${W(e)}, "application/json", bytes.NewReader(question))
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		Result struct {
			Verdict    string
			Redeemable bool
			Reason     string
		}
		Error *struct{ Message string }
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		log.Fatal(err)
	}
	if answer.Error != nil {
		log.Fatal(answer.Error.Message)
	}
	fmt.Println(answer.Result.Verdict, answer.Result.Redeemable, answer.Result.Reason)
}
`};function q({question:e}){let[t,r]=n(`curl`),i=U(t,e);return y(`section`,{class:`card snippets`,"aria-labelledby":`snippets`,children:[y(`div`,{class:`row apart`,children:[y(`h2`,{id:`snippets`,children:`Ask it from your sign-up page`}),y(w,{label:`Language`,choices:H,chosen:t,onChoose:r})]}),y(c,{text:i,what:`the program`,testId:`snippet`})]})}var J=`cloud-ledger.cloud`;function Y({code:e}){let[t,i]=n(e),[a,c]=n(()=>localStorage.getItem(J)??``),[l,f]=n(``),[p,m]=n({}),[h,g]=n(),_=k(),v=r(null);u(()=>i(e),[e]),u(()=>{h&&v.current?.scrollIntoView({block:`nearest`})},[h]);let b=e=>{c(e),localStorage.setItem(J,e)},S=e=>{let t=X(()=>O(e).id),n=X(()=>l.trim()===``?void 0:A(l));m({...`fault`in t&&{code:t.fault},...`fault`in n&&{consent:n.fault},...a===``&&{cloud:`choose your cloud: the answer depends on what it offers`}}),`fault`in t||`fault`in n||a===``||g({id:t.value,cloud:a,authorization:n.value})},C=e=>{e.preventDefault(),S(t)},w=e=>{i(e),S(e)},E=_.find(({memberId:e})=>`${e}`===a)?.name??`Your Cloud`;return y(x,{children:[y(s,{name:`Is this code good?`,children:`For the sign-up of a cloud: paste or scan what the user shows. Nothing is changed; redeeming is done by your own system.`}),y(`div`,{class:`split`,children:[y(`form`,{class:`card stack`,onSubmit:C,"aria-label":`Code to verify`,children:[y(o,{label:`Code`,hint:`Passport code, transaction id, or what a QR code holds.`,fault:p.code,children:e=>y(`input`,{...e,class:`input large mono`,placeholder:`03A0-0ADE`,value:t,autocomplete:`off`,autocapitalize:`characters`,spellcheck:!1,onInput:e=>i(e.currentTarget.value)})}),y(B,{onFound:w}),y(o,{label:`Cloud that asks`,fault:p.cloud,children:e=>y(T,{attributes:e,clouds:_,chosen:a,onChoose:b})}),y(`details`,{open:l!==``,children:[y(`summary`,{children:`The user's authorization`}),y(o,{label:`Authorization`,hint:`The JSON that the user's page or passport authorize made.`,fault:p.consent,children:e=>y(`textarea`,{...e,class:`input`,value:l,spellcheck:!1,onInput:e=>f(e.currentTarget.value)})})]}),y(`button`,{type:`submit`,class:`button main`,children:[y(d,{name:`verify`}),` Verify`]})]}),y(`div`,{class:`stack code-place`,ref:v,children:h?y(Z,{asked:h}):y(`p`,{class:`empty`,children:`The verdict appears here: whether the code is good, for what, for how long, and how firm that is.`})})]}),y(q,{question:{node:`${location.origin}/`,code:h?.id??`03A0-0ADE`,cloud:E}})]})}function X(e){try{return{value:e()}}catch(e){return{fault:v(e)}}}function Z({asked:e}){let{rpc:t,height:r}=C(),[i,o]=n(),[s,c]=n();return u(()=>{let n=!1,r={cloud:Number(e.cloud),...e.authorization&&{authorization:e.authorization}};return t.call(`ledger_verifyCode`,e.id,r).then(e=>{n||(o(e),c(void 0))},e=>!n&&c(v(e))),()=>{n=!0}},[t,e,r]),s===void 0?i?y(N,{verification:i}):y(`p`,{class:`empty`,children:`Asking the node…`}):y(a,{tone:`bad`,children:h(s)})}export{Y as VerifyPage};