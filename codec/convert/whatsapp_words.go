package convert

import (
	"strings"
	"sync"
)

// chatWords are the words by which a chat tells what is no text of a person, ready
// to be looked up. All are compared in lower case and without a full stop.
type chatWords struct {
	patterns []systemPattern
	attached map[string]bool   // (file attached), and <attached: >
	omitted  map[string]string // image omitted -> image
	deleted  map[string]bool
	edited   map[string]bool
}

// wordsOfChats makes them once: they are never changed, and making them takes longer
// than most chats.
var wordsOfChats = sync.OnceValue(func() *chatWords {
	w := &chatWords{
		patterns: systemPatterns(), attached: phraseSet(attachedWords()), deleted: phraseSet(deletedWords()),
		edited: phraseSet(editedWords()), omitted: make(map[string]string),
	}
	for kind, phrases := range omittedWords() {
		for phrase := range strings.SplitSeq(phrases, "|") {
			w.omitted[plainWord(phrase)] = kind
		}
	}
	return w
})

func phraseSet(phrases string) map[string]bool {
	m := make(map[string]bool)
	for phrase := range strings.SplitSeq(phrases, "|") {
		m[plainWord(phrase)] = true
	}
	return m
}

// plainWord is a phrase as it is compared.
func plainWord(s string) string {
	return strings.TrimSpace(strings.ToLower(strings.TrimRight(strings.TrimSpace(s), ".。।")))
}

// attachedWords stand after the name of a file, in brackets (Android), or before
// it (iOS).
func attachedWords() string {
	return "file attached|datei angehängt|archivo adjunto|archivo adjuntado|fichier joint|arquivo anexado|ficheiro anexado|" +
		"file allegato|bestand bijgevoegd|dosya ekli|файл добавлен|файл додано|fil vedhæftet|bifogad fil|vedlagt fil|" +
		"liitetiedosto|załączony plik|soubor byl přiložen|súbor pripojený|fájl csatolva|fișier atașat|συνημμένο αρχείο|" +
		"קובץ מצורף|الملف مرفق|file terlampir|fail dilampirkan|tệp đính kèm|ไฟล์ที่แนบ|添付ファイル有り|附件檔案|文件附件|파일 첨부됨|" +
		"datoteka u privitku|priložena datoteka|прикачен файл|прикачена датотека|arxiu adjunt|फाइल अटैच कर दी गई है|फ़ाइल संलग्न|lêer aangeheg|" +
		"attached|anhang|adjunto|archivo adjunto|pièce jointe|joint|anexado|anexo|ficheiro anexado|allegato|bijlage|bijgevoegd|" +
		"eklendi|ekli|ek|прикреплено|вложение|прикріплено|添付ファイル|添付|附件|已附加|첨부|첨부됨|첨부파일|مرفق|bifogad|bifogat|vedhæftet|vedlagt|liite|" +
		"załącznik|załączono|příloha|přiloženo|csatolva|atașat|συνημμένο|צורף|terlampir|lampiran|đính kèm|adjunt"
}

// omittedWords stand in the place of a file that is not in the export, by what it
// was: of Android in angle brackets, of iOS alone or after the text.
func omittedWords() map[string]string {
	return map[string]string{
		"file": "media omitted|medien ausgeschlossen|medien weggelassen|multimedia omitido|archivo omitido|médias omis|média omis|fichier omis|" +
			"mídia oculta|mídia omitida|arquivo de mídia oculto|ficheiro não revelado|media omessi|media omesso|media weggelaten|" +
			"medya dahil edilmedi|medya atlanmış|без медиафайлов|файл пропущен|медіа пропущено|media utelämnats|media har utelämnats|mediefil udeladt|uten vedlegg|" +
			"media jätetty pois|pliki pominięto|pominięto multimedia|média vynechány|média vynechána|hiányzó médiafájl|conținut media omis|" +
			"εξαίρεση πολυμέσων|המדיה לא נכללה|מדיה הושמטה|تم استبعاد الوسائط|media tidak disertakan|bỏ qua media|สื่อถูกลบ|" +
			"メディアは含まれていません|省略多媒体文件|省略多媒體檔|忽略多媒體檔|미디어 파일을 생략한 대화내용|मीडिया के बिना|मीडिया हटाया गया|mitjans omesos",
		"image": "image omitted|bild weggelassen|imagen omitida|image absente|imagem ocultada|imagem omitida|imagem não revelada|immagine omessa|afbeelding weggelaten|" +
			"görüntü dahil edilmedi|изображение отсутствует|зображення відсутнє|画像は含まれていません|图片已忽略|照片已忽略|圖片已略去|이미지 생략됨|لم يتم إدراج الصورة|" +
			"bild utesluten|billede udeladt|bilde ikke inkludert|kuva jätetty pois|obraz pominięty|obrázek vynechán|gambar tidak disertakan|התמונה הושמטה|फ़ोटो हटाई गई",
		"video": "video omitted|video note omitted|video message omitted|video weggelassen|videonachricht weggelassen|video omitido|vídeo omitido|vídeo ocultado|vídeo não revelado|vidéo absente|video omesso|" +
			"video weggelaten|video dahil edilmedi|видео отсутствует|відео відсутнє|ビデオは含まれていません|动画は含まれていません|视频已忽略|影片已略去|비디오 생략됨|" +
			"لم يتم إدراج الفيديوهات|video utesluten|video udeladt|video utelatt|wideo pominięte|video vynecháno|video tidak disertakan|סרטון הווידאו הושמט|वीडियो छोड़ा गया",
		"audio": "audio omitted|voice message omitted|audio weggelassen|sprachnachricht weggelassen|audio omitido|áudio ocultado|áudio omitido|ficheiro de áudio não revelado|audio omis|audio omesso|" +
			"audio weggelaten|ses dahil edilmedi|аудиофайл отсутствует|аудіо відсутнє|音声は含まれていません|音频已忽略|音訊已略去|오디오 생략됨|" +
			"لم يتم إدراج المقاطع الصوتية|ljud utelslutet|lyd udeladt|lyd utelatt|audio pominięte|audio tidak disertakan|קטע קול הושמט|ऑडियो हटाई गयी",
		"sticker": "sticker omitted|sticker weggelassen|sticker omitido|sticker omis|figurinha omitida|sticker não revelado|sticker non incluso|sticker omesso|" +
			"sticker weggelaten|çıkartma dahil edilmedi|стикер не добавлен|стикер отсутствует|スタンプは含まれていません|ステッカーは含まれていません|贴图已省略|貼圖已略去|스티커 제외됨|تم حذف الملصقات",
		"gif": "gif omitted|gif weggelassen|gif omitido|gif retiré|gif omis|gif não revelada|gif esclusa|gif weggelaten|gif dahil edilmedi|" +
			"gif отсутствует|gifは含まれていません|gif 动态图已被忽略|gif 已略去|gif 생략됨|لم يتم إدراج صورة gif",
		"document": "document omitted|dokument weggelassen|documento omitido|document manquant|documento não revelado|documento omesso|document weggelaten|" +
			"belge dahil edilmedi|документ отсутствует|документ пропущено|ドキュメントは含まれていません|文档已省略|文件已略去|문서 생략됨|لم يتم إدراج المستند",
		"contact": "contact card omitted|kontaktkarte ausgelassen|kontaktkarte weggelassen|tarjeta de contacto omitida|fiche contact manquante|cartão do contato omitido|" +
			"contacto não revelado|scheda contatto omessa|visitekaartje weggelaten|kişi kartı dahil edilmedi|карточка контакта отсутствует|連絡先カードを省略|연락처 카드 생략됨",
		"view_once": "view once message omitted|view once photo omitted|view once video omitted|view once voice message omitted",
	}
}

// deletedWords stand in the place of a message that was deleted.
func deletedWords() string {
	return "this message was deleted|you deleted this message|this message was deleted by an admin|you deleted this message as admin|message deleted|" +
		"diese nachricht wurde gelöscht|du hast diese nachricht gelöscht|se eliminó este mensaje|este mensaje fue eliminado|eliminaste este mensaje|" +
		"ce message a été supprimé|vous avez supprimé ce message|esta mensagem foi apagada|essa mensagem foi apagada|mensagem apagada|você apagou esta mensagem|" +
		"apagou esta mensagem|esta mensagem foi eliminada|esta mensagem foi apagada pelo remetente|questo messaggio è stato eliminato|hai eliminato questo messaggio|" +
		"dit bericht is verwijderd|u hebt dit bericht verwijderd|je hebt dit bericht verwijderd|bu mesaj silindi|bu mesajı sildiniz|" +
		"данное сообщение удалено|это сообщение удалено|сообщение удалено|вы удалили это сообщение|вы удалили данное сообщение|це повідомлення було видалено|ви видалили це повідомлення|" +
		"このメッセージは削除されました|このメッセージを削除しました|メッセージを削除しました|此訊息已刪除|您已刪除此訊息|这条消息已被删除|此消息已删除|您已删除这条消息|이 메시지는 삭제되었습니다|삭제된 메시지입니다|삭제한 메시지입니다|이 메시지를 삭제했습니다|" +
		"تم حذف هذه الرسالة|لقد حذَفت هذه الرسالة|حذفت هذه الرسالة|הודעה זו נמחקה|מחקת את ההודעה הזו|pesan ini telah dihapus|pesan ini dihapus|anda menghapus pesan ini|" +
		"det här meddelandet raderades|du raderade det här meddelandet|denne besked blev slettet|du slettede denne besked|denne meldingen ble slettet|du slettet denne meldingen|" +
		"tämä viesti poistettiin|poistit tämän viestin|ta wiadomość została usunięta|tato zpráva byla odstraněna|tuto zprávu jste odstranil/a|αυτό το μήνυμα διαγράφηκε|διαγράψατε αυτό το μήνυμα|" +
		"ez az üzenet törlésre került|törölted ezt az üzenetet|acest mesaj a fost șters|tin nhắn này đã bị xóa|bạn đã xóa tin nhắn này|ข้อความนี้ถูกลบแล้ว|این پیام حذف شد|این پیام حذف شده است|यह मैसेज डिलीट कर दिया गया है|आपने यह मैसेज डिलीट किया"
}

// editedWords stand in angle brackets after a text that was edited.
func editedWords() string {
	return "this message was edited|diese nachricht wurde bearbeitet|se editó este mensaje|ce message a été modifié|mensagem editada|esta mensagem foi editada|" +
		"questo messaggio è stato modificato|messaggio modificato|dit bericht is bewerkt|bu mesaj düzenlendi|сообщение изменено|это сообщение изменено|" +
		"このメッセージは編集されました|此訊息已編輯|此消息已编辑|메시지가 수정되었습니다|تم تعديل هذه الرسالة|pesan ini diedit|det här meddelandet har redigerats|ta wiadomość została zmieniona|ההודעה נערכה"
}

// encryption tells the language of the notice that opens a chat.
func (w *chatWords) encryption(line string) (lang string, ok bool) {
	line = strings.ToLower(line)
	for _, p := range [][2]string{
		{"end-to-end encrypted", "en"}, {"end-to-end encryption", "en"}, {"ende-zu-ende", "de"}, {"de extremo a extremo", "es"}, {"de bout en bout", "fr"},
		{"de ponta a ponta", "pt"}, {"de ponta-a-ponta", "pt"}, {"crittografia end-to-end", "it"}, {"crittografati end-to-end", "it"}, {"end-to-end versleuteld", "nl"},
		{"end-to-end encryptie", "nl"}, {"uçtan uca", "tr"}, {"сквозным шифрованием", "ru"}, {"エンドツーエンド", "ja"}, {"端到端", "zh"}, {"端對端", "zh"},
		{"종단간", "ko"}, {"종단 간", "ko"}, {"التشفير التام", "ar"}, {"مشفرة تمام", "ar"}, {"رمزگذاری سرتاسر", "fa"}, {"מקצה לקצה", "he"},
	} {
		if strings.Contains(line, p[0]) {
			return p[1], true
		}
	}
	return "", false
}

// callWords begin the line of a call; on Android a call has no other mark.
func callWords() []string {
	return []string{
		"missed voice call", "missed video call", "missed group voice call", "missed group video call", "silenced voice call", "silenced video call", "voice call", "video call",
		"verpasster sprachanruf", "verpasster videoanruf", "sprachanruf", "videoanruf", "llamada perdida", "llamada de voz perdida", "videollamada perdida", "llamada de voz", "videollamada",
		"appel vocal manqué", "appel vidéo manqué", "appel vocal", "appel vidéo", "chamada de voz perdida", "chamada de vídeo perdida", "videochamada perdida", "chamada de voz", "ligação de voz", "chamada de vídeo", "ligação de vídeo", "videochamada",
		"chiamata vocale persa", "videochiamata persa", "chiamata vocale", "videochiamata", "gemiste spraakoproep", "gemist spraakgesprek", "gemiste video-oproep", "gemist videogesprek", "spraakoproep", "spraakgesprek", "video-oproep", "videogesprek",
		"cevapsız sesli arama", "cevapsız görüntülü arama", "sesli arama", "görüntülü arama", "пропущенный аудиозвонок", "пропущенный видеозвонок", "аудиозвонок", "видеозвонок",
		"音声通話不在着信", "ビデオ通話不在着信", "不在着信", "音声通話", "ビデオ通話", "未接语音通话", "未接视频通话", "未接語音通話", "未接視像通話", "부재중 전화", "부재중 영상통화", "مكالمة صوتية فائتة", "مكالمة فيديو فائتة",
	}
}

// isChatPoll reports the line that begins a poll.
func isChatPoll(line string) bool {
	switch strings.TrimRight(strings.TrimSpace(line), " ") {
	case "POLL:", "UMFRAGE:", "ENCUESTA:", "SONDAGE :", "SONDAGE:", "SONDAGE\u00a0:", "ENQUETE:", "SONDAGEM:", "SONDAGGIO:", "PEILING:", "POLL :", "ANKET:", "ОПРОС:", "アンケート:", "投票:", "투표:", "استطلاع رأي:":
		return true
	}
	return false
}

// chatName finds the name of a chat in that of its file or folder; "" when it is
// none that the app makes.
func chatName(base string) string {
	for _, p := range []string{
		"WhatsApp Chat with ", "WhatsApp Chat - ", "WhatsApp-Chat mit ", "WhatsApp Chat mit ", "WhatsApp-Chat - ", "Chat de WhatsApp con ", "Chat de WhatsApp - ", "Discussion WhatsApp avec ", "Discussion WhatsApp - ",
		"Conversa do WhatsApp com ", "Conversa no WhatsApp com ", "Conversa do WhatsApp - ", "Chat WhatsApp con ", "Chat WhatsApp - ", "WhatsApp-chat met ", "WhatsApp Chat met ", "Чат WhatsApp с контактом ", "Чат WhatsApp с ", "Чат WhatsApp - ",
		"WhatsApp chat med ", "WhatsApp-chatt med ", "WhatsApp-samtale med ", "Czat WhatsApp z ", "Chat WhatsApp s uživatelem ", "WhatsApp chat s používateľom ", "Conversație WhatsApp cu ", "Συνομιλία WhatsApp με ",
		"Chat WhatsApp dengan ", "Sembang WhatsApp dengan ", "Trò chuyện WhatsApp với ", "แชท WhatsApp กับ ", "Бесіда WhatsApp з ", "Xat de WhatsApp amb ", "دردشة واتساب مع ", "گفتگوی WhatsApp با ", "צ'אט WhatsApp עם ", "WhatsApp razgovor s ", "WhatsApp Gesprek met ",
	} {
		if len(base) > len(p) && strings.EqualFold(base[:len(p)], p) {
			return plainName(base[len(p):])
		}
	}
	for _, s := range []string{" ile WhatsApp Sohbeti", "とのWhatsAppチャット", "님과의 WhatsApp 대화", " के साथ WhatsApp चैट"} {
		if n := len(base) - len(s); n > 0 && strings.EqualFold(base[n:], s) {
			return plainName(base[:n])
		}
	}
	for _, p := range [][2]string{{"WhatsApp 与 ", " 的对话"}, {"WhatsApp 與 ", " 的對話"}, {"WhatsApp 与", "的对话"}, {"WhatsApp 與", "的對話"}} {
		if strings.HasPrefix(base, p[0]) && strings.HasSuffix(base, p[1]) && len(base) > len(p[0])+len(p[1]) {
			return plainName(base[len(p[0]) : len(base)-len(p[1])])
		}
	}
	return ""
}
